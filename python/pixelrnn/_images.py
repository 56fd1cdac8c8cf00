"""Images as arrays that know their levels, so that they can be shown."""
from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._arrays import address
from ._context import choose
from ._errors import ArgumentError
from ._library import library
from ._palette import Colours, palette_of
from ._struct import text_of

_SMALLEST = 56      # pixels of an image's height in a notebook
_MOST = 100         # images in a notebook


if TYPE_CHECKING:
    _Bytes = npt.NDArray[np.uint8]
else:
    _Bytes = np.ndarray


class Images(_Bytes):
    """An array of levels, uint8 (..., H, W, C), that a notebook shows as pictures.

    levels: K; level k is shown as round(255 k / (K - 1)), or as colour k of the palette, uint8 (K, 3), if there is one.
    """

    levels: int
    palette: Colours | None

    def __new__(cls, array: npt.NDArray[np.uint8], levels: int, palette: Colours | None = None) -> Images:
        images = np.asarray(array, np.uint8).view(cls)
        images.levels, images.palette = levels, palette
        return images

    def __array_finalize__(self, other: Any) -> None:
        self.levels, self.palette = getattr(other, "levels", 256), getattr(other, "palette", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return Images, (np.asarray(self), self.levels, self.palette)

    def save(self, path: str | os.PathLike[str], columns: int = 0) -> None:
        """Writes one PNG, a contact sheet of so many columns (0: about square; of (n, samples, ...): a row an image)."""
        if not os.fsdecode(path).lower().endswith(".png"):
            raise ArgumentError(f"{os.fsdecode(path)}: a PNG is written: let it end with .png (numpy.save writes .npy)")
        if self.dtype != np.uint8 or self.ndim < 3 or 0 in self.shape:
            raise ArgumentError(f"an array of {self.dtype} and shape {self.shape} is none of images (n, H, W, C)")
        if self.ndim == 5 and columns == 0:
            columns = self.shape[1]
        height, width, channels = self.shape[-3:]
        images = np.ascontiguousarray(np.asarray(self)).reshape(-1, height, width, channels)
        context = choose(None)
        if self.palette is None or channels != 1:
            context.call(library.prnn_write_png, text_of(path), address(images), len(images), height, width,
                         channels, self.levels, columns)
        else:
            context.call(library.prnn_write_palette_png, text_of(path), address(images), len(images), height, width,
                         palette_of(self.palette, context), columns)

    def png(self, columns: int = 0) -> bytes:
        """The same as the bytes of a PNG file."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "images.png")
            self.save(path, columns)
            return path.read_bytes()

    def _repr_png_(self) -> bytes | None:
        """What Jupyter shows: up to 100 images, small ones enlarged."""
        if self.dtype != np.uint8 or not 3 <= self.ndim <= 5 or 0 in self.shape or self.shape[-1] not in (1, 3):
            return None
        few = self[:max(1, _MOST // self.shape[1])] if self.ndim == 5 else self[:_MOST] if self.ndim == 4 else self
        zoom = max(1, -(-_SMALLEST // self.shape[-3]))
        return Images(np.asarray(few).repeat(zoom, axis=-3).repeat(zoom, axis=-2), self.levels, self.palette).png()
