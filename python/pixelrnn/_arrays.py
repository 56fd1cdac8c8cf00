"""Arrays for the library: exactly what was given, without a copy where it lies as the library reads it, or an exception."""
from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import ArgumentError
from ._struct import integer

Levels = npt.NDArray[np.uint8]


def address(array: npt.NDArray[Any]) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def levels_of(given: Any, shape: tuple[int, int, int], what: str = "images") -> Levels:
    """Images of `shape` (H, W, C) as levels: uint8 (n, H, W, C), C-contiguous.

    Taken are (n, H, W, C), one image (H, W, C) and, of one channel, (n, H, W) and (H, W); arrays of any number type whose
    values are whole numbers from 0 to 255, and whatever numpy makes an array of (torch tensors, PIL images, lists). Whether
    a level is one of the model's, the library says.
    """
    if type(given) is np.ndarray and given.dtype == np.uint8 and given.ndim == 4 and given.shape[1:] == shape:
        return np.ascontiguousarray(given)
    if isinstance(given, (str, bytes, os.PathLike)):
        raise ArgumentError(f"{what}: {given!r} is a name, and none of images (n, {shape[0]}, {shape[1]}, {shape[2]}); "
                            f"pixelrnn.open({given!r}, levels=K) reads those of a file or folder")
    array = _shaped(array_of(given, what), shape, what)
    return np.ascontiguousarray(bytes_of(array, what))


def array_of(given: Any, what: str) -> npt.NDArray[Any]:
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ArgumentError(f"{what}: an array with masked values; fill them first")
    if not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
        return np.from_dlpack(given)
    if isinstance(given, (list, tuple)) and any(hasattr(item, "__array_interface__") for item in given):
        given = [np.asarray(item) for item in given]    # pictures, which older numpys take for sequences
    return np.asarray(given)


def _shaped(array: npt.NDArray[Any], shape: tuple[int, int, int], what: str) -> npt.NDArray[Any]:
    grey = shape[2] == 1
    if array.shape[1:] == shape:
        return array
    if grey and array.shape[1:] == shape[:2]:
        return array[..., np.newaxis]
    if array.shape == shape:
        return array[np.newaxis]
    if grey and array.shape == shape[:2]:
        return array[np.newaxis, ..., np.newaxis]
    hint = ""
    if array.shape[1:] == (shape[2], shape[0], shape[1]):
        hint = "; channels come last here: numpy's x.transpose(0, 2, 3, 1), torch's x.permute(0, 2, 3, 1)"
    elif array.ndim == 4 and array.shape[3] == shape[2]:
        hint = "; pixelrnn.open(images, size=(H, W), fit=\"resize\") brings images to a size"
    raise ArgumentError(f"{what}: an array of shape {array.shape} is none of images (n, {shape[0]}, {shape[1]}, "
                        f"{shape[2]}){hint}")


def bytes_of(array: npt.NDArray[Any], what: str) -> Levels:
    """The same values as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "buif":
        raise ArgumentError(f"{what}: an array of {array.dtype} has no levels; give whole numbers from 0 on")
    with np.errstate(invalid="ignore"):
        result = array.astype(np.uint8)
    wrong = result != array
    if wrong.any():
        value = array[wrong].flat[0]
        raise ArgumentError(f"{what}: the value {value} is no level; levels are whole numbers from 0 to K - 1 (and "
                            f"pixelrnn.open(images, levels=K) makes them from bytes)")
    return result


def known_of(given: Any, size: tuple[int, int]) -> Levels:
    """A mask (H, W), 1 where a pixel is known."""
    array = array_of(given, "known")
    if array.shape != size or array.dtype.kind not in "bui":
        hint = "; pixelrnn.read_mask reads one from a file" if array.dtype.kind in "US" else ""
        raise ArgumentError(f"known: a mask is an array of bool (or integers, not 0: known) of shape {size}, not of "
                            f"{array.dtype} and shape {array.shape}{hint}")
    return np.ascontiguousarray(array != 0, np.uint8)


def count_of(name: str, value: Any) -> int:
    """How many: an integer from 0 on."""
    return _within(name, value, 2**63)


def seed_of(name: str, value: Any) -> int:
    """An argument of type uint64_t."""
    return _within(name, value, 2**64)


def _within(name: str, value: Any, above: int) -> int:
    number = integer(name, value)
    if not 0 <= number < above:
        raise ArgumentError(f"{name}: {number} is out of range")
    return number


def new(shape: tuple[int, ...], kind: Any) -> npt.NDArray[Any]:
    """An array for the library to fill."""
    try:
        return np.empty(shape, kind)
    except ValueError:    # larger than any memory
        raise MemoryError(f"no memory for an array of shape {shape}") from None
