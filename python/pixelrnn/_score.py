"""Scores of how little images belong: those of `pixelrnn score`, by the formulas of docs/anomaly.md, summed in its order."""
from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from . import _header
from ._arrays import Levels, address, levels_of, new
from ._context import Callback, Context, Watch
from ._errors import ArgumentError
from ._library import library
from ._struct import enumerator

_COLUMNS = ("nats", "bits_per_dim", "background_nats", "compressed_nats", "expected_nats", "expected_variance", "ratio",
            "typicality", "complexity", "surprise", "surprise_z")
Column = npt.NDArray[np.float64]
_LEAST_VARIANCE = 1e-12     # below it a model is certain of all values: floats cannot tell it from 0


class Scored(Protocol):
    """A Model or a Chain."""

    context: Context
    shape: tuple[int, int, int]
    levels: int

    @property
    def small_shape(self) -> tuple[int, int, int] | None: ...

    @property
    def palette(self) -> npt.NDArray[np.uint8] | None: ...

    def _evaluate(self, images: Levels, options: Any, watch: Watch) -> Column:
        """nats; `options` are a prnn_evaluate_options."""

    def _bits(self, nats: Column) -> Column:
        """nats as bits per dimension"""


def score(of: Scored, images: Any, background: Scored | None, typical: Any, complexity: str | None, surprise: bool,
          callback: Callback | None) -> dict[str, Column]:
    images = levels_of(images, of.shape)
    if background is not None:
        _check(of, background)
    found: dict[str, Column] = {}
    if complexity is not None:
        found["compressed_nats"] = _lengths(of, images, complexity)
    if surprise:
        nats, found["expected_nats"], found["expected_variance"] = _expected(of, images, callback)
        found["surprise"] = nats - found["expected_nats"]
        found["surprise_z"] = found["surprise"] / np.sqrt(np.maximum(found["expected_variance"], _LEAST_VARIANCE))
    else:
        nats = _nats(of, images, callback)
    found.update(nats=nats, bits_per_dim=of._bits(nats))
    if complexity is not None:
        found["complexity"] = nats - found["compressed_nats"]
    if background is not None:
        found["background_nats"] = _nats(background, images, callback)
        found["ratio"] = nats - found["background_nats"]
    if typical is not None:
        mean, deviation = _spread(_nats(of, levels_of(typical, of.shape, "typical"), callback))
        found["typicality"] = np.abs(nats - mean) / deviation
    return {name: found[name] for name in _COLUMNS if name in found}


def _check(of: Scored, other: Scored) -> None:
    for what, own, its in (("images of shape (H, W, C)", of.shape, other.shape), ("levels", of.levels, other.levels),
                           ("small images of shape", of.small_shape, other.small_shape)):
        if own != its:
            raise ArgumentError(f"background: a model of {what} {its}, and the other one has {own}: they must be alike")
    if not np.array_equal(_colours(of), _colours(other)):
        raise ArgumentError("background: a model of another palette, so its levels are other colours")


def _colours(of: Scored) -> npt.NDArray[np.uint8]:
    return np.empty((0, 3), np.uint8) if of.palette is None else of.palette


def _nats(of: Scored, images: Levels, callback: Callback | None) -> Column:
    watch = Watch(callback)
    return of._evaluate(images, _header.EvaluateOptions(new_only=True, progress=watch.function), watch)


def _expected(of: Scored, images: Levels, callback: Callback | None) -> tuple[Column, Column, Column]:
    """nats, and the sums of what was expected of all values and of its variances."""
    watch = Watch(callback)
    entropies, variances = new(images.shape, np.float32), new(images.shape, np.float32)
    options = _header.EvaluateOptions(new_only=True, progress=watch.function, entropies=address(entropies),
                                      variances=address(variances))
    return of._evaluate(images, options, watch), _sums(entropies), _sums(variances)


def _sums(values: npt.NDArray[np.float32]) -> Column:
    """Over the values of each image, one after the other: numpy's sum has another order."""
    return np.array([_sum(image.ravel()) for image in values], np.float64)


def _sum(values: npt.NDArray[Any]) -> np.float64:
    return np.add.accumulate(values, dtype=np.float64)[-1]  # type: ignore[no-any-return]


def _lengths(of: Scored, images: Levels, complexity: str) -> Column:
    """Of a lossless file of each image, in nats."""
    lossless = enumerator("complexity", _header.LOSSLESS, complexity)
    count = new((len(images),), np.uintp)
    of.context.call(library.prnn_compressed_bytes, lossless, address(images), len(images), *of.shape, of.levels,
                    address(count))
    return count * 8.0 * math.log(2)


def _spread(nats: Column) -> tuple[np.float64, np.float64]:
    """Mean and standard deviation."""
    if len(nats) < 2 or (nats == nats[0]).all():
        raise ArgumentError("typical: a spread of likelihoods is needed, of several images like those that the model was "
                            "trained on")
    mean = _sum(nats) / len(nats)
    return mean, np.sqrt(_sum((nats - mean) * (nats - mean)) / (len(nats) - 1))
