"""A model as an estimator of scikit-learn."""
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._arrays import bytes_of
from ._errors import ArgumentError
from ._images import Images
from ._model import Model


class DensityModel(DensityMixin, BaseEstimator):  # type: ignore[misc]
    """The density of small images, by score_samples, sample and fit as KernelDensity has them.

    X: images as levels 0 .. levels - 1, whole numbers: (n, H, W, C), (n, H, W), or rows (n, features).
    shape: (H, W) or (H, W, C) of rows; None: they are squares, or, where that cannot be, one line of pixels each.
    valid_fraction: this part of the images, the last ones, chooses the weights that are kept; 0: none.
    threads, device, precision: as in pixelrnn.Context. The other parameters are those of pixelrnn.Model and its fit, and
    None is what they have by default.

    After fit: model_, the pixelrnn.Model; history_; n_features_in_, the number of values of an image.
    """

    def __init__(self, kind: str | None = None, *, shape: tuple[int, ...] | None = None, levels: int | None = None,
                 layers: int | None = None, hidden: int | None = None, head: int | None = None,
                 residual: bool | None = None, skip: bool | None = None, output: str | None = None,
                 components: int | None = None, epochs: float | None = None, steps: int | None = None,
                 batch: int | None = None, optimizer: str | None = None, lr: float | None = None,
                 schedule: str | None = None, clip: float | None = None, ema: float | None = None,
                 valid_fraction: float = 0.0, random_state: Any = None, threads: int | None = None,
                 device: str | None = None, precision: str | None = None) -> None:
        self.kind = kind
        self.shape = shape
        self.levels = levels
        self.layers = layers
        self.hidden = hidden
        self.head = head
        self.residual = residual
        self.skip = skip
        self.output = output
        self.components = components
        self.epochs = epochs
        self.steps = steps
        self.batch = batch
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.clip = clip
        self.ema = ema
        self.valid_fraction = valid_fraction
        self.random_state = random_state
        self.threads = threads
        self.device = device
        self.precision = precision

    def fit(self, X: Any, y: Any = None) -> DensityModel:
        """Trains a new model on the images X."""
        images = self._images(X, self.shape)
        valid = round(len(images) * self.valid_fraction)
        if not 0 <= valid < len(images):
            raise ArgumentError(f"valid_fraction: {self.valid_fraction} of {len(images)} images leaves none to train on")
        seed = _seed(self.random_state)
        height, width, channels = images.shape[1:]
        self.model_ = Model(height=height, width=width, channels=channels, seed=seed, **self._given(
            "kind", "levels", "layers", "hidden", "head", "residual", "skip", "output", "components", "threads", "device",
            "precision"))
        self.history_ = self.model_.fit(
            images[:len(images) - valid], images[len(images) - valid:] if valid else None, seed=seed,
            progress=False, **self._given("epochs", "steps", "batch", "optimizer", "lr", "schedule", "clip", "ema"))
        self.n_features_in_ = height * width * channels
        return self

    def _given(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """Log-likelihood of each image in nats: float64 (n,)."""
        check_is_fitted(self)
        nats: npt.NDArray[np.float64] = self.model_.nll(self._images(X, self.model_.shape))
        return -nats

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood of the images in nats."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Images | npt.NDArray[np.uint8]:
        """Draws images, (n, H, W, C)."""
        check_is_fitted(self)
        return self.model_.sample(n_samples, seed=_seed(random_state))

    def _images(self, X: Any, shape: tuple[int, ...] | None) -> npt.NDArray[np.uint8]:
        """X as levels (n, H, W, C); refused in the words that scikit-learn expects."""
        X = _array(X)
        if X.ndim == 2:
            if hasattr(self, "n_features_in_") and shape is not None and X.shape[1] != self.n_features_in_:
                raise ArgumentError(f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                                    f"{self.n_features_in_} features as input")
            shape = _shape_of_rows(X.shape[1]) if shape is None else (*shape, 1)[:3]
            if np.prod(shape) != X.shape[1]:
                raise ArgumentError(f"X: rows of {X.shape[1]} values are no images of shape {shape}")
            X = X.reshape(-1, *shape)
        return bytes_of(X if X.ndim == 4 else X[..., np.newaxis], "X")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = tags.input_tags.categorical = True      # levels
        return tags

    def _more_tags(self) -> dict[str, Any]:     # scikit-learn before 1.6
        return {"X_types": ["2darray", "3darray", "categorical"], "requires_positive_X": True}


def _array(X: Any) -> npt.NDArray[Any]:
    if hasattr(X, "toarray"):
        raise TypeError("X: a sparse matrix was passed, but images are dense; X.toarray() is one that will do")
    X = np.asarray(X)
    if X.dtype.kind == "O":
        X = X.astype(np.float64)
    if X.dtype.kind == "c":
        raise ArgumentError("Complex data not supported")
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        raise ArgumentError("X: Input contains NaN or infinity, and levels are whole numbers")
    if X.ndim not in (2, 3, 4):
        raise ArgumentError(f"X: an array of shape {X.shape} is none of images. Reshape your data: (n, H, W, C), (n, H, W) "
                            f"or rows (n, features); Expected 2D array, got {X.ndim}D array instead")
    if len(X) == 0 or 0 in X.shape:
        what = "feature(s)" if len(X) else "sample(s)"
        raise ArgumentError(f"X: Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required.")
    if X.dtype.kind in "if" and X.min() < 0:
        raise ArgumentError("X: Negative values in data, and levels are whole numbers from 0 on")
    return X


def _shape_of_rows(features: int) -> tuple[int, int, int]:
    side = int(features ** 0.5)
    return (side, side, 1) if side * side == features else (1, features, 1)


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))
