"""Data sets: files, folders and arrays of any size and range, as levels of one size."""
from __future__ import annotations

import ctypes
import logging
import os
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _header
from ._arrays import Levels, address, array_of, bytes_of, count_of, new, seed_of
from ._context import Callback, Context, Guard, Handle, Watch, choose
from ._errors import ArgumentError
from ._images import Images
from ._library import library
from ._palette import Colours, colours_of, palette_of
from ._struct import int_that_fits, integer, text_of

Path = Union[str, bytes, "os.PathLike[str]"]
_log = logging.getLogger("pixelrnn")


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


# A picture that cannot be used, and what was assumed of a set: a warning and an information of the logger "pixelrnn".
_skipped = _header.SkippedFn(lambda _user, _path, why: _log.warning("skipped: %s", _text(why)))
_noted = _header.NoteFn(lambda _user, sentence: _log.info("%s", _text(sentence)))


class Data:
    """Images of one size as levels; open() makes one.

    len(data), data[7] (H, W, C), data[10:20] and data[[3, 1, 2]] (n, H, W, C) are uint8; numpy.asarray(data) is all of it.
    A large .npy or idx file is not in memory: an image is read when it is asked for.
    """

    def __init__(self, pointer: int, context: Context, options: dict[str, Any], path: Path | None = None) -> None:
        self._options, self._path = options, path       # of open(); no path: an array, or what was split
        self._handle = Handle(pointer, library.prnn_data_free)
        self._context = context
        self._guard = Guard("the data set")

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, H, W, C)"""
        height, width, channels = (f(self._handle.pointer) for f in (
            library.prnn_data_height, library.prnn_data_width, library.prnn_data_channels))
        return len(self), height, width, channels

    @property
    def levels(self) -> int:
        """K: values are 0 .. K - 1."""
        return int(library.prnn_data_levels(self._handle.pointer))

    @property
    def palette(self) -> Colours | None:
        """The colours (K, 3) of its levels, R, G, B; None: they are shades."""
        return colours_of(library.prnn_data_palette(self._handle.pointer))

    @property
    def skipped(self) -> int:
        """How many files of a folder could not be used."""
        return int(library.prnn_data_skipped(self._handle.pointer))

    def name(self, index: int) -> str | None:
        """The file that image `index` came from, where each file is an image; else None."""
        found = library.prnn_data_name(self._handle.pointer, self._index(index))
        return None if found is None else os.fsdecode(found)

    def number(self, index: int) -> int:
        """The number of image `index` in its file or folder, counted from 0; what is skipped counts too."""
        return int(library.prnn_data_number(self._handle.pointer, self._index(index)))

    def _index(self, index: int) -> int:
        return range(len(self))[index]

    def __len__(self) -> int:
        return int(library.prnn_data_count(self._handle.pointer))

    def __getitem__(self, index: Any) -> Images:
        if isinstance(index, (int, np.integer)):
            return Images(self.read([self._index(int(index))])[0], self.levels, self.palette)
        return self.read(np.arange(len(self))[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("the images of a data set are copied when they are read")
        images = np.asarray(self.read(np.arange(len(self))))
        return images if dtype is None else images.astype(dtype)

    def read(self, indices: Any, *, seed: int = 0, epoch: int = 0) -> Images:
        """Images (n, H, W, C) by their numbers. seed and epoch choose the draw of binarize_sample."""
        chosen = np.asarray(indices)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise IndexError("read takes the numbers of images, integers in one dimension; data[...] takes slices and "
                             "arrays of bool too")
        outside = (chosen < 0) | (chosen >= len(self))
        if outside.any():
            raise IndexError(f"image {chosen[outside][0]} of a set of {len(self)}")
        chosen = np.ascontiguousarray(chosen, np.uintp)
        images = new((len(chosen), *self.shape[1:]), np.uint8)
        with self._guard:
            self._context.call(library.prnn_data_read, self._handle.pointer, address(chosen), len(chosen),
                               seed_of("seed", seed), seed_of("epoch", epoch), address(images))
        return Images(images, self.levels, self.palette)

    def split(self, first: int) -> Data:
        """Cuts the set: this one keeps the images before number `first`, the others are the set that is returned."""
        rest = ctypes.c_void_p()
        with self._guard.alone():
            self._context.call(library.prnn_data_split, self._handle.pointer, count_of("first", first),
                               ctypes.byref(rest))
        assert rest.value
        self._path = None
        return Data(rest.value, self._context, self._options)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is not None:
            return _opened, (self._path, {**self._options, "context": self._context})
        if self._options["binarize_sample"]:
            raise TypeError("a data set that draws its levels and has no file cannot be pickled")
        return _opened, (np.asarray(self), {"levels": self.levels, "values": "levels", "palette": self.palette,
                                             "context": self._context})

    def _repr_png_(self) -> bytes | None:
        return self[:64]._repr_png_()

    def __repr__(self) -> str:
        n, height, width, channels = self.shape
        return f"<pixelrnn.Data: {n} images of {height} x {width} x {channels}, {self.levels} levels>"


def _opened(source: Any, options: dict[str, Any]) -> Data:
    return open(source, **options)


def open(source: Any, *, size: tuple[int, int] | None = None, channels: int | None = None,
         levels: int | None = None, values: str | None = None, fit: str | None = None,
         binarize_sample: bool | None = None, first: int | None = None, limit: int | None = None,
         shuffle: int | None = None, alpha: str | None = None,
         background: tuple[int, int, int] | None = None, as_stored: bool | None = None,
         array: str | None = None, memory_limit: int | None = None, palette: Any = None,
         callback: Callback | None = None, context: Context | None = None) -> Data:
    """A data set from a file or folder, or from an array (n, H, W, C) or (n, H, W).

    The format is told by the content: idx (gzip too), .npy, .npz, CIFAR's files, a PNG, JPEG, WebP or TIFF, a folder of
    pictures or of .npz files.

    size: (H, W); absent: as the first image has them. channels: 1 or 3; absent: as the file has them.
    levels: K, 2 to 256. values: "8bit", a byte v becomes level floor(v K / 256); "levels", they are levels already.
    fit: images of another size are refused ("exact"), cut out ("crop"), cut to the shape and resampled ("resize"), or
    every n-th pixel is taken ("subsample"). binarize_sample: level 1 with probability v / 255, drawn anew each epoch.
    first, limit: leave out images before this one; take at most so many. shuffle: an order that is a function of this
    number.
    alpha: transparent pictures are composited over `background` ("over") or lose their alpha ("drop").
    as_stored: pictures are not turned as EXIF says. array: which one of .npz. memory_limit: bytes; larger .npy and idx files
    stay in their file.
    palette: True, colours become levels of one channel, the darkest 0, and `levels` is how many there are; or these colours,
    (K, 3) or a file of words rrggbb, and another one is an error. With values "levels" the file holds their numbers.
    callback: is told of the Progress; False stops. Files that are skipped are warnings of the logger "pixelrnn".
    """
    context, watch = choose(context), Watch(callback)
    given: dict[str, Any] = {
        "size": size, "channels": channels, "levels": levels, "values": values, "fit": fit,
        "binarize_sample": binarize_sample, "first": first, "limit": limit, "shuffle": shuffle, "alpha": alpha,
        "background": background, "as_stored": as_stored, "array": array, "memory_limit": memory_limit, "palette": palette,
    }
    wanted = None if palette is None or isinstance(palette, bool) else palette_of(palette, context)
    options, pointer = _options_of(watch, **{**given, "palette": wanted}), ctypes.c_void_p()
    options.paletted = wanted is not None or palette is True
    path: Path | None = None
    if isinstance(source, (str, bytes, os.PathLike)):
        path = source
        context.watched(library.prnn_data_open, text_of(path), options, ctypes.byref(pointer), watch=watch)
    else:
        images = _batch(source)
        context.watched(library.prnn_data_from_memory, address(images), *images.shape, options, ctypes.byref(pointer),
                        watch=watch)
    assert pointer.value
    return Data(pointer.value, context, given, path)


def _options_of(watch: Watch, *, size: tuple[int, int] | None, array: str | None,
                background: tuple[int, int, int] | None, palette: Any, **given: Any) -> Any:
    height, width = (None, None) if size is None else size
    return _header.DataOptions(
        height=height, width=width, array=None if array is None else text_of(array), background=_colour(background),
        skipped=_skipped, progress=watch.function, note=_noted,
        palette=None if palette is None else ctypes.addressof(palette), **given)


def _colour(background: tuple[int, int, int] | None) -> Any:
    if background is None:
        return None
    colour = tuple(integer("background", part) for part in background)
    if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
        raise ArgumentError(f"background: {background!r} is no colour (R, G, B) of 0 to 255")
    return colour


def _batch(source: Any) -> Levels:
    """An array of images, whatever their size."""
    images = array_of(source, "images")
    if images.ndim == 3 and images.shape[2] in (3, 4):
        raise ArgumentError(f"images: an array of shape {images.shape} may be one colour image or many grey ones: give "
                            f"x[None] for one, x[..., None] for many")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4:
        raise ArgumentError(f"images: an array of shape {images.shape} is none of images (n, H, W, C)")
    return np.ascontiguousarray(bytes_of(images, "images"))


def read_mask(path: Path, size: tuple[int, int], *, context: Context | None = None) -> npt.NDArray[np.bool_]:
    """A mask (H, W) from a picture (a pixel of at least 128 is known) or a .npy: True where a pixel is known."""
    height, width = (int_that_fits("size", side) for side in size)
    if not (0 < height <= 4096 and 0 < width <= 4096):
        raise ArgumentError(f"size: {size} is none of a mask")
    known = new((height, width), np.uint8)
    choose(context).call(library.prnn_read_mask, text_of(path), height, width, address(known))
    return known.astype(np.bool_)
