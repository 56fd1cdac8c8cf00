"""Ensembles: several models of the same images, whose predictions are averaged."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _header
from ._arrays import address, levels_of, new
from ._context import Callback, Context, Watch
from ._data import Path
from ._group import Group
from ._library import library
from ._model import Model
from ._palette import Colours


class Ensemble(Group):
    """Models that predict together: each value, given those before it, has the mean of the probabilities that they give it.

    That is an exact likelihood too: the probabilities of all images sum to 1. No value costs more than it costs the models
    in the mean. models: Models, or files, of any kinds, but alike in shape, levels, palette and the small images that they
    see; they are `models` in their order. It computes in `context`, or in that of its first model.
    """

    def __init__(self, models: Sequence[Model | Path], *, context: Context | None = None) -> None:
        super().__init__("an ensemble", "", models, context, library.prnn_ensemble_create, library.prnn_ensemble_free)
        self.shape, self.levels = self.models[0].shape, self.models[0].levels

    @property
    def small_shape(self) -> tuple[int, int, int] | None:
        """(s, s, C) of the small images that conditional models see; None: they see none."""
        return self.models[0].small_shape

    @property
    def palette(self) -> Colours | None:
        """Colours (K, 3) that the levels stand for; None: they are shades."""
        return self.models[0].palette

    def resize(self, height: int, width: int) -> Ensemble:
        """An ensemble of images of another size, in pixels, of the same weights: see Model.resize."""
        return Ensemble([model.resize(height, width) for model in self.models], context=self.context)

    def nll(self, images: Any, *, small: Any = None, new_only: bool = False, per_value: bool = False,
            per_model: bool = False, callback: Callback | None = None) -> npt.NDArray[Any]:
        """Negative log-likelihood in nats under the ensemble: float64 (n,); per_value: of each value, float32 (n, H, W, C);
        per_model: of each image under each model alone, float64 (n, models).

        small and new_only are those of conditional models: see Model.nll. It costs the evaluations of all models, and
        progress counts each image once for each of them.
        """
        images = levels_of(images, self.shape)
        small = self.models[0]._small(small, len(images))
        nats, alone = new((len(images),), np.float64), new((len(images), len(self.models)), np.float64)
        values = new(images.shape, np.float32) if per_value else None
        watch = Watch(callback)
        options = _header.EvaluateOptions(small=None if small is None else address(small), new_only=new_only,
                                          progress=watch.function)
        with self._guard():
            self.context.watched(library.prnn_ensemble_evaluate, self._pointer, address(images), len(images), options,
                                 address(nats), address(alone), None if values is None else address(values), watch=watch)
        return values if values is not None else alone if per_model else nats

    def bits_per_dim(self, images: Any, *, small: Any = None, new_only: bool = False,
                     callback: Callback | None = None) -> npt.NDArray[np.float64]:
        """The same in bits per dimension, nats / (H W C ln 2): float64 (n,)."""
        return self.models[0]._bits(self.nll(images, small=small, new_only=new_only, callback=callback))
