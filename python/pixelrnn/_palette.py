"""Colours that levels stand for."""
from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _header
from ._context import Context
from ._errors import ArgumentError
from ._library import library
from ._struct import text_of

Colours = npt.NDArray[np.uint8]


def colours_of(found: Any) -> Colours | None:
    """uint8 (K, 3), copied from a pointer to a prnn_palette; None where it is NULL."""
    if not found:
        return None
    palette = found.contents
    return np.array(np.ctypeslib.as_array(palette.colours)[:palette.count])


def palette_of(given: Any, context: Context) -> Any:
    """A prnn_palette of colours (K, 3), or from a file of them."""
    palette = _header.Palette()
    if isinstance(given, (str, bytes, os.PathLike)):
        context.call(library.prnn_read_palette, text_of(given), palette)
        return palette
    colours = np.asarray(given)
    count = len(colours) if colours.ndim == 2 else 0
    if colours.shape != (count, 3) or not 2 <= count <= 256 or colours.dtype.kind not in "ui" or (colours >> 8).any():
        raise ArgumentError(f"palette: an array of {colours.dtype} and shape {colours.shape} is none of colours: give "
                            f"2 to 256 of R, G, B, each 0 to 255, a file of them, or True for those of the images")
    palette.count = count
    ctypes.memmove(palette.colours, colours.astype(np.uint8).tobytes(), 3 * count)
    return palette
