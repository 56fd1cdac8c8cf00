"""Chains of models, from small images to large ones."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _header, _score
from ._arrays import Levels, address, count_of, known_of, levels_of, new
from ._context import Callback, Context, Watch
from ._data import Path
from ._errors import ArgumentError
from ._group import Group
from ._images import Images
from ._library import library
from ._model import Model, sample_options
from ._palette import Colours


class Chain(Group):
    """Models that work together: each but the first enlarges the images of the one before it.

    models: from small images to large ones; Models, or files. The images of a chain are those of the last model. It computes
    in `context`, or in that of its first model.
    """

    def __init__(self, models: Sequence[Model | Path], *, context: Context | None = None) -> None:
        super().__init__("a chain", ", from small images to large ones", models, context, library.prnn_chain_create,
                         library.prnn_chain_free)
        self.shape, self.levels = self.models[-1].shape, self.models[-1].levels

    @property
    def small_shape(self) -> tuple[int, int, int] | None:
        """(s, s, C) of the small images that the first model sees; None: it sees none."""
        return self.models[0].small_shape

    @property
    def palette(self) -> Colours | None:
        """Colours (K, 3) that the levels stand for; None: they are shades."""
        return self.models[-1].palette

    def nll(self, images: Any, *, small: Any = None, per_value: bool = False, per_scale: bool = False,
            callback: Callback | None = None) -> npt.NDArray[Any]:
        """Negative log-likelihood in nats, every value counted once, where it is new: float64 (n,); per_scale: the part of
        each model, float64 (n, models); per_value: float32 (n, H, W, C). `small` are those of a conditional first model."""
        images = levels_of(images, self.shape)
        small = self.models[0]._small(small, len(images))
        scales = new((len(images), len(self.models)), np.float64)
        values = new(images.shape, np.float32) if per_value else None
        watch = Watch(callback)
        options = _header.EvaluateOptions(small=None if small is None else address(small), progress=watch.function)
        nats = self._evaluate(images, options, watch, scales, values)
        return values if values is not None else scales if per_scale else nats

    def _evaluate(self, images: Levels, options: Any, watch: Watch, scales: npt.NDArray[np.float64] | None = None,
                  values: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float64]:
        nats = new((len(images),), np.float64)
        parts = [None if part is None else address(part) for part in (scales, values)]
        with self._guard():
            self.context.watched(library.prnn_chain_evaluate, self._pointer, address(images), len(images), options,
                                 address(nats), *parts, watch=watch)
        return nats

    def bits_per_dim(self, images: Any, *, small: Any = None,
                     callback: Callback | None = None) -> npt.NDArray[np.float64]:
        """The same in bits per dimension of the large images: float64 (n,)."""
        return self._bits(self.nll(images, small=small, callback=callback))

    def _bits(self, nats: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return self.models[-1]._bits(nats)

    def score(self, images: Any, *, background: _score.Scored | None = None, typical: Any = None,
              complexity: str | None = None, surprise: bool = False,
              callback: Callback | None = None) -> dict[str, npt.NDArray[np.float64]]:
        """How little images belong: see Model.score."""
        return _score.score(self, images, background, typical, complexity, surprise, callback)

    def sample(self, n: int = 1, *, seed: int | None = None, first: int | None = None,
               temperature: float | None = None, callback: Callback | None = None) -> Images:
        """Draws `n` images: uint8 (n, H, W, C), each a function of the models, `seed` and its number."""
        images = new((count_of("n", n), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard():
            self.context.watched(library.prnn_chain_sample, self._pointer, len(images), options, address(images),
                                 watch=watch)
        return Images(images, self.levels, self.palette)

    def complete(self, images: Any, known: Any, samples: int = 1, *, seed: int | None = None,
                 first: int | None = None, temperature: float | None = None,
                 callback: Callback | None = None) -> Images:
        """Draws what of the images is not known (H, W), `samples` times each: uint8 (n, samples, H, W, C)."""
        images, known = levels_of(images, self.shape), known_of(known, self.shape[:2])
        result = new((len(images), count_of("samples", samples), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard():
            self.context.watched(library.prnn_chain_complete, self._pointer, address(images), len(images),
                                 address(known), result.shape[1], options, address(result), watch=watch)
        return Images(result, self.levels, self.palette)

    def upscale(self, small: Any, samples: int = 1, *, seed: int | None = None, first: int | None = None,
                temperature: float | None = None, callback: Callback | None = None) -> Images:
        """Draws `samples` large images for each small one (n, s, s, C), where the first model is conditional: uint8
        (n, samples, H, W, C)."""
        if self.small_shape is None:
            raise ArgumentError("the first model is not conditional, and enlarges nothing: see sample and complete")
        small = levels_of(small, self.small_shape, "small")
        result = new((len(small), count_of("samples", samples), *self.shape), np.uint8)
        watch, options = sample_options(seed, first, temperature, callback)
        with self._guard():
            self.context.watched(library.prnn_chain_upscale, self._pointer, address(small), len(small),
                                 result.shape[1], options, address(result), watch=watch)
        return Images(result, self.levels, self.palette)
