"""Models: likelihood, samples, completions, training."""
from __future__ import annotations

import ctypes
import pathlib
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _header, _score, _training
from ._arrays import Levels, address, count_of, known_of, levels_of, new, seed_of
from ._check import Certificate, check
from ._context import Callback, Context, Guard, Handle, Watch, choose
from ._data import Path
from ._errors import ArgumentError
from ._images import Images
from ._library import library
from ._metadata import Metadata
from ._palette import Colours, colours_of
from ._steps import Steps, stepper_options
from ._struct import int_that_fits, text_of

_SHOWN = 16             # samples that a notebook shows of a model
_SHOWN_COST = 5e8       # and weights times pixels that it may cost


def load(path: Path, *, threads: int | None = None, device: str | None = None, precision: str | None = None,
         context: Context | None = None) -> Model:
    """Reads a model file, a training's checkpoint, or the model.safetensors in a folder.

    threads, device and precision are as in Context; or give a context that others share.
    """
    context = choose(context, threads, device, precision)
    pointer = ctypes.c_void_p()
    context.call(library.prnn_model_load, text_of(path), ctypes.byref(pointer))
    assert pointer.value
    return Model._of(pointer.value, context)


class Model:
    """A network and its weights: p(image), exactly.

    Images are levels 0 .. K - 1, arrays (n, H, W, C) that numpy takes (uint8 without a copy); one image (H, W, C) and, of
    one channel, (n, H, W) and (H, W) do too. Several threads may use a model at the same time.

    Model(kind="row", height=28, width=28, levels=2) is a new one with random weights, a function of the configuration and
    `seed`. What is absent is as in the library (pixelrnn train --help): kind "row", "diagonal" or "cnn"; height, width in
    pixels; channels 1 or 3; levels 2 to 256; layers; hidden, features of a state; head, features before the logits;
    residual, skip; condition_size and condition_features of a conditional model; output "softmax", or "logistics" with
    `components`; condition_features and components have no default. threads, device and precision are as in Context.
    """

    def __init__(self, *, kind: str | None = None, height: int | None = None, width: int | None = None,
                 channels: int | None = None, levels: int | None = None, layers: int | None = None,
                 residual: bool | None = None, hidden: int | None = None, skip: bool | None = None,
                 head: int | None = None, condition_size: int | None = None,
                 condition_features: int | None = None, output: str | None = None,
                 components: int | None = None, seed: int = 0, threads: int | None = None,
                 device: str | None = None, precision: str | None = None,
                 context: Context | None = None) -> None:
        config = _header.Config(
            kind=kind, height=height, width=width, channels=channels, levels=levels, layers=layers, residual=residual,
            hidden=hidden, skip=skip, head=head, condition_size=condition_size, condition_features=condition_features,
            output=output, components=components)
        context = choose(context, threads, device, precision)
        pointer = ctypes.c_void_p()
        context.call(library.prnn_model_create, config, seed_of("seed", seed), ctypes.byref(pointer))
        assert pointer.value
        self._begin(pointer.value, context)

    @classmethod
    def _of(cls, pointer: int, context: Context) -> Model:
        model = cls.__new__(cls)
        model._begin(pointer, context)
        return model

    def _begin(self, pointer: int, context: Context) -> None:
        config = _header.Config()
        library.prnn_model_config(pointer, config)
        self.context = context
        self._handle = Handle(pointer, library.prnn_model_free)
        self._pointer = pointer
        self._guard = Guard("the model")
        self._config = config.words()
        self.shape: tuple[int, int, int] = (config.height, config.width, config.channels)
        self.levels: int = config.levels
        self.logits_per_value = int(library.prnn_logits_per_value(pointer))

    # ------------------------------------------------------------------------- what it is

    @property
    def config(self) -> dict[str, Any]:
        """kind, height, width, ...: Model(**model.config) is a new model of the same network."""
        return dict(self._config)

    @property
    def parameter_count(self) -> int:
        """Number of weights that are not masked."""
        return int(library.prnn_model_parameter_count(self._pointer, True))

    @property
    def small_shape(self) -> tuple[int, int, int] | None:
        """(s, s, C) of the small images that a conditional model sees; None of another one."""
        side = self._config["condition_size"]
        return (side, side, self.shape[2]) if side else None

    @property
    def metadata(self) -> Metadata:
        """Texts that the model file keeps beside the network: model.metadata["made by"] = "..." sets one."""
        return Metadata(self)

    @property
    def palette(self) -> Colours | None:
        """Colours (K, 3), R, G, B, that the levels of a model of paletted images stand for: uint8, a copy; else None. It
        is the metadata "palette", words #rrggbb."""
        with self._guard:
            return colours_of(library.prnn_model_palette(self._pointer))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the configuration, without the size of images, and the weights: that of archives that it can read."""
        text = ctypes.create_string_buffer(65)
        with self._guard:
            self.context.call(library.prnn_model_fingerprint, self._pointer, ctypes.addressof(text))
        return text.value.decode()

    def resize(self, height: int, width: int) -> Model:
        """A model of images of another size, in pixels, 1 to 4096, with the same weights, which both share until one of them
        is given others. What is near a border is as the model learned it at its own size. A conditional model has but
        one."""
        pointer = ctypes.c_void_p()
        with self._guard:
            self.context.call(library.prnn_model_resize, self._pointer, int_that_fits("height", height),
                              int_that_fits("width", width), ctypes.byref(pointer))
        assert pointer.value
        return Model._of(pointer.value, self.context)

    def save(self, path: Path) -> None:
        """Writes a model file; a failure leaves an old one as it was."""
        with self._guard:
            self.context.call(library.prnn_model_save, self._pointer, text_of(path))

    def state_dict(self) -> dict[str, npt.NDArray[np.float32]]:
        """All weights by name, copied, in PyTorch's layout."""
        with self._guard:
            return {name: values.copy() for name, values in self._tensors()}

    def load_state_dict(self, tensors: Any) -> None:
        """Replaces all weights. Refuses names that are missing or unknown, other shapes, what is not finite, and masked
        weights that are not zero."""
        block = []
        own = {name: values.shape for name, values in self._tensors()}
        wrong = [f"{name} is missing" for name in own.keys() - tensors.keys()]
        wrong += [f"{name} is unknown" for name in tensors.keys() - own.keys()]
        wrong += [f"{name} is of shape {tuple(tensors[name].shape)}, not {shape}" for name, shape in own.items()
                  if name in tensors and tuple(tensors[name].shape) != shape]
        if wrong:
            raise ArgumentError(f"these weights are of another network: {sorted(wrong)[0]}")
        block = [np.asarray(tensors[name]).astype(np.float32).ravel() for name in own]
        self._set(np.concatenate(block))

    def _tensors(self) -> list[tuple[str, npt.NDArray[np.float32]]]:
        """Name and values of each tensor; the values are the model's own."""
        result = []
        for i in range(library.prnn_model_tensor_count(self._pointer)):
            tensor = _header.Tensor()
            library.prnn_model_tensor(self._pointer, i, tensor)
            floats = np.ctypeslib.as_array((ctypes.c_float * tensor.count).from_address(tensor.values))
            result.append((tensor.name.decode(), floats.reshape(tensor.shape[:tensor.rank])))
        return result

    def _set(self, block: npt.NDArray[np.float32]) -> None:
        with self._guard.alone():
            self.context.call(library.prnn_model_set_parameters, self._pointer, address(block))

    def _take(self, path: pathlib.Path) -> None:
        """The weights of a file, while the guard is held."""
        other = load(path, context=self.context)
        block = np.concatenate([values.ravel() for _, values in other._tensors()])
        self.context.call(library.prnn_model_set_parameters, self._pointer, address(block))

    def check(self, *, seed: int | None = None, positions: int | None = None,
              callback: Callback | None = None) -> Certificate:
        """Proves that nothing leaks: pixelrnn.check of a file of this model."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "model.safetensors")
            self.save(path)
            return check(path, seed=seed, positions=positions, callback=callback, context=self.context)

    # -------------------------------------------------------------------------- likelihood

    def nll(self, images: Any, *, small: Any = None, new_only: bool = False, per_value: bool = False,
            callback: Callback | None = None) -> npt.NDArray[Any]:
        """Negative log-likelihood in nats: float64 (n,), or with per_value of each value, float32 (n, H, W, C).

        Of a conditional model it is -log p(image | small), where small (n, s, s, C) are by default those in the images; with
        new_only over the values that these do not give.
        """
        images = levels_of(images, self.shape)
        small = self._small(small, len(images))
        values = new(images.shape, np.float32) if per_value else None
        watch = Watch(callback)
        options = _header.EvaluateOptions(small=None if small is None else address(small),
                                          new_only=new_only, progress=watch.function)
        nats = self._evaluate(images, options, watch, values)
        return nats if values is None else values

    def _evaluate(self, images: Levels, options: Any, watch: Watch,
                  values: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float64]:
        nats = new((len(images),), np.float64)
        with self._guard:
            self.context.watched(library.prnn_evaluate, self._pointer, address(images), len(images), options,
                                 address(nats), None if values is None else address(values), watch=watch)
        return nats

    def _small(self, small: Any, count: int) -> Levels | None:
        if small is None:
            return None
        if self.small_shape is None:
            raise ArgumentError("small: the model is not conditional; leave them out")
        small = levels_of(small, self.small_shape, "small")
        if len(small) != count:
            raise ArgumentError(f"small: {len(small)} small images for {count} images")
        return small  # type: ignore[no-any-return]

    def bits_per_dim(self, images: Any, **options: Any) -> npt.NDArray[np.float64]:
        """The same in bits per dimension, nats / (H W C ln 2): float64 (n,). Options are those of nll."""
        if options.get("per_value"):
            raise ArgumentError("per_value: bits per dimension are of whole images")
        return self._bits(self.nll(images, **options))

    def _bits(self, nats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.array([library.prnn_bits_per_dim(self._pointer, value) for value in nats], np.float64)

    def score(self, images: Any, *, background: _score.Scored | None = None, typical: Any = None,
              complexity: str | None = None, surprise: bool = False,
              callback: Callback | None = None) -> dict[str, npt.NDArray[np.float64]]:
        """How little images belong to what the model has learned, larger is less: the columns of `pixelrnn score --scores`
        by their names, each float64 (n,). docs/anomaly.md says what they are, and when to use which.

        Always "nats" and "bits_per_dim". background, a Model or Chain of more general images of the same size:
        "background_nats" and "ratio". typical, images that belong, at least two: "typicality". complexity, "png" or "webp":
        "compressed_nats", the length of such a file, and "complexity". surprise: "expected_nats", "expected_variance",
        "surprise" and "surprise_z". Of a conditional model the values count that the small images do not give.
        """
        return _score.score(self, images, background, typical, complexity, surprise, callback)

    def logits(self, images: Any) -> npt.NDArray[np.float32]:
        """Logits of every conditional: float32 (n, H, W, C, M), M = K, or 1 for K = 2, or 3 * components of a mixture of
        logistics. A conditional model sees the small images in the images."""
        images = levels_of(images, self.shape)
        logits = new((*images.shape, self.logits_per_value), np.float32)
        with self._guard:
            self.context.call(library.prnn_logits, self._pointer, address(images), len(images), address(logits))
        return logits

    def log_probs(self, images: Any) -> npt.NDArray[np.float64]:
        """Natural logarithms of the probabilities of all levels of every value, given those before it: float64
        (n, H, W, C, K)."""
        logits = self.logits(images)
        logs = new((*logits.shape[:4], self.levels), np.float64)
        with self._guard:
            self.context.call(library.prnn_log_probabilities, self._pointer, address(logits),
                              logits.size // self.logits_per_value, address(logs))
        return logs

    def gradient(self, images: Any) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Mean NLL of the images in nats, and its gradient by every weight; zero for masked ones."""
        images = levels_of(images, self.shape)
        block = new((library.prnn_model_parameter_count(self._pointer, False),), np.float32)
        nats = ctypes.c_double()
        with self._guard:
            self.context.call(library.prnn_gradient, self._pointer, address(images), len(images), ctypes.byref(nats),
                              address(block))
        result, at = {}, 0
        for name, values in self._tensors():
            result[name] = block[at:at + values.size].reshape(values.shape)
            at += values.size
        return nats.value, result

    # ---------------------------------------------------------------- samples, completions

    def sample(self, n: int = 1, *, seed: int | None = None, first: int | None = None,
               temperature: float | None = None, callback: Callback | None = None) -> Images:
        """Draws `n` images: uint8 (n, H, W, C). An image is a function of the model, `seed` (0 if absent) and its number,
        which counts from `first`. temperature: p(level) becomes p^(1/temperature) / sum."""
        images = new((count_of("n", n), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard:
            self.context.watched(library.prnn_sample, self._pointer, len(images), options, address(images), watch=watch)
        return Images(images, self.levels, self.palette)

    def complete(self, images: Any, known: Any, samples: int = 1, *, seed: int | None = None,
                 first: int | None = None, temperature: float | None = None,
                 callback: Callback | None = None) -> Images:
        """Draws what of the images is not known, `samples` times each: uint8 (n, samples, H, W, C).

        known: (H, W) of bool, True where a pixel is kept. A drawn value depends on the values before it in raster order;
        known ones after it are kept but cannot influence it. The pixels of a conditional model's small image must be known.
        """
        images, known = levels_of(images, self.shape), known_of(known, self.shape[:2])
        result = new((len(images), count_of("samples", samples), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard:
            self.context.watched(library.prnn_complete, self._pointer, address(images), len(images), address(known),
                                 result.shape[1], options, address(result), watch=watch)
        return Images(result, self.levels, self.palette)

    def upscale(self, small: Any, samples: int = 1, *, seed: int | None = None, first: int | None = None,
                temperature: float | None = None, callback: Callback | None = None) -> Images:
        """Draws `samples` large images for each small one (n, s, s, C), under a conditional model: uint8
        (n, samples, H, W, C)."""
        if self.small_shape is None:
            raise ArgumentError("the model is not conditional, and enlarges nothing: see sample and complete")
        small = levels_of(small, self.small_shape, "small")
        result = new((len(small), count_of("samples", samples), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard:
            self.context.watched(library.prnn_upscale, self._pointer, address(small), len(small), result.shape[1],
                                 options, address(result), watch=watch)
        return Images(result, self.levels, self.palette)

    def steps(self, n: int = 1, *, small: Any = None, seed: int | None = None, first: int | None = None,
              temperature: float | None = None) -> Steps:
        """`n` images value by value: see Steps. small (n, s, s, C) are those of a conditional model."""
        n = count_of("n", n)
        small = self._small(small, n)
        return Steps(self, n, stepper_options(small, seed, first, temperature))

    # ---------------------------------------------------------------------------- training

    def fit(self, train: Any, valid: Any = None, *, epochs: float | None = None, steps: int | None = None,
            batch: int | None = None, optimizer: str | None = None, lr: float | None = None,
            schedule: str | None = None, warmup_steps: float | None = None,
            final_fraction: float | None = None, decay_factor: float | None = None,
            decay_epochs: float | None = None, beta1: float | None = None, beta2: float | None = None,
            epsilon: float | None = None, clip: float | None = None, ema: float | None = None,
            seed: int | None = None, valid_every: int | None = None, log_every: int | None = None,
            checkpoint_every: float | None = None, resume: bool | None = None, flip: bool | None = None,
            shift: int | None = None, dropout: float | None = None, weight_decay: float | None = None,
            patience: int | None = None, teacher: Any = None, teacher_weight: float | None = None,
            out: Path | None = None, callback: Callback | None = None, progress: bool | None = None,
            **others: Any) -> _training.History:
        """Trains from the present weights; then the model has those of the best validation.

        train, valid: a Data (see open), a file or folder, or an array of levels. Options are those of `pixelrnn train`,
        which says what they are when absent: optimizer "rmsprop", "adam", "sgd" or "muon"; schedule "constant", "cosine" or
        "step"; steps instead of epochs; valid_every and log_every in steps, checkpoint_every in seconds. For small
        sets: flip, images are mirrored; shift, by how many pixels they are moved at most; dropout and weight_decay;
        patience, validations without a lower NLL before training ends.
        teacher: for soft targets, a Model, an Ensemble, a file, or a list of models and files, which is not to change
        meanwhile; teacher_weight, its part of a target.
        out: a folder for model.safetensors, metrics.csv and checkpoint.safetensors, from which resume=True goes on, to the
        bits of a training that was never interrupted; without it nothing is left.
        callback: gets the Progress after every step; if it returns False training stops, and the model has the best weights
        so far, as after Ctrl-C (KeyboardInterrupt). progress: a bar, if tqdm is there; None: where somebody sees it.
        """
        options = {
            "epochs": epochs, "steps": steps, "batch": batch, "optimizer": optimizer, "lr": lr, "schedule": schedule,
            "warmup_steps": warmup_steps, "final_fraction": final_fraction, "decay_factor": decay_factor,
            "decay_epochs": decay_epochs, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "clip": clip, "ema": ema,
            "seed": seed, "valid_every": valid_every, "log_every": log_every, "checkpoint_every": checkpoint_every,
            "resume": resume, "flip": flip, "shift": shift, "dropout": dropout, "weight_decay": weight_decay,
            "patience": patience, "teacher": teacher, "teacher_weight": teacher_weight, **others,
        }
        return _training.fit(self, train, valid, out, callback, progress, options)

    def trainer(self, train: Any, valid: Any = None, *, out: Path, **options: Any) -> _training.Trainer:
        """A training for a loop of one's own; the options are those of fit."""
        return _training.Trainer(self, train, valid, out, options)

    # ----------------------------------------------------------------------------- Python's

    def __repr__(self) -> str:
        return f"pixelrnn.Model({', '.join(f'{key}={value!r}' for key, value in self._config.items())})"

    def _repr_png_(self) -> bytes | None:
        """What Jupyter shows: some samples, of a model that draws them in a second or so."""
        cost = self.parameter_count * self.shape[0] * self.shape[1]
        n = min(_SHOWN, int(_SHOWN_COST // cost))
        return self.sample(n)._repr_png_() if n and self.small_shape is None else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._config, self.state_dict(), self.context, dict(self.metadata))


def _restored(config: dict[str, Any], tensors: dict[str, Any], context: Context, metadata: dict[str, str]) -> Model:
    model = Model(**config, context=context)
    model.load_state_dict(tensors)
    model.metadata.update(metadata)
    return model


def sample_options(seed: int | None, first: int | None, temperature: float | None,
                   callback: Callback | None) -> tuple[Watch, Any]:
    watch = Watch(callback)
    return watch, _header.SampleOptions(seed=seed, first=first, temperature=temperature, progress=watch.function)
