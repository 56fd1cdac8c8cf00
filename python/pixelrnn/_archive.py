"""Archives: images of any sizes, compressed without loss by the probabilities that a model gives their values."""
from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import os
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from . import _header
from ._arrays import Levels, address, array_of, bytes_of, count_of
from ._context import Callback, Context, Guard, Handle, Watch, choose
from ._data import Data, Path
from ._errors import ArgumentError, FormatError, StoppedError
from ._images import Images
from ._library import library
from ._model import Model
from ._struct import text_of

_log = logging.getLogger("pixelrnn")


class ArchiveInfo(NamedTuple):
    """What is known of an archive."""

    images: int
    raw_bytes: int          # of the values of all images
    bytes: int              # of the file; of these:
    coded_bytes: int        # of what the model codes
    stored_bytes: int       # of what zlib does
    model_bytes: int        # of the model inside; 0: there is none
    blocks: int
    stored_blocks: int
    channels: int           # C and K of the model
    levels: int
    tile: int               # longest side of a tile, in pixels
    damaged: int            # 0: nothing is; else `problem` says what, as far as it shows without decoding
    arithmetic: str         # as Context.arithmetic
    fingerprint: str        # of the model: model.fingerprint
    problem: str


class ArchiveImage(NamedTuple):
    """An image of an archive."""

    name: str               # of a file below some folder, "a/b.png"; "": it has none
    height: int             # pixels; 0: lost, with the list that it is in
    width: int
    channels: int           # 1: grey, 2: grey and alpha, 3: R, G, B, 4: and alpha
    levels: int             # K if the model codes it, and its values are levels; 256: they are bytes; 0: no model does
    colours: int            # K if it is coded by the numbers of its colours in the model's palette; else 0
    palette: int            # CRC-32 of that palette; else 0


# ------------------------------------------------------------------------------------------ to write


def _values_of(given: Any) -> Levels:
    """uint8 (n, H, W, C)"""
    array = array_of(given, "images")
    if array.ndim == 2:
        array = array[..., np.newaxis]
    if array.ndim == 3:
        array = array[np.newaxis]
    if array.ndim != 4 or not 1 <= array.shape[3] <= 4:
        raise ArgumentError(f"images: an array of shape {array.shape} is none of images (n, H, W, C), or of one, (H, W, C) "
                            f"or (H, W), C 1 to 4")
    return np.ascontiguousarray(bytes_of(array, "images"))


class ArchiveWriter:
    """An archive that grows image by image; it appears at `path`, whole, when it is finished.

        with pixelrnn.ArchiveWriter("photos.prnn", model) as archive:
            archive.add(picture, name="cat.png")

    finishes at its end, unless something was raised: then nothing is left of it. Until then the model cannot be changed. It
    works in the context of the thread that made it.

    block: parts of images that are coded together; tile: longer sides are cut, 16 to 4096 pixels; model_inside: the archive
    gets the model too; verify: what was compressed is decompressed at once and compared; expected: how many images will
    come, for the callback.
    """

    info: ArchiveInfo | None = None     # when it is finished

    def __init__(self, path: Path, model: Model, *, block: int | None = None, tile: int | None = None,
                 model_inside: bool | None = None, verify: bool = True, expected: int | None = None,
                 callback: Callback | None = None) -> None:
        self._watch = Watch(callback)
        options = _header.ArchiveOptions(block=block, tile=tile, model_inside=model_inside, no_verify=not verify,
                                         expected=expected, progress=self._watch.function)
        self._context, pointer = model.context.here(), ctypes.c_void_p()
        guard = model._guard
        guard.keep()
        try:
            self._context.call(library.prnn_archive_writer_create, model._pointer, text_of(path), options,
                               ctypes.byref(pointer))
        except BaseException:
            guard.release()
            raise
        assert pointer.value
        self._handle: Handle | None = self._context.owned(pointer.value, library.prnn_archive_writer_free,
                                                          (model, options), guard.release)

    def _call(self, function: Any, *arguments: Any) -> None:
        if self._handle is None:
            raise ArgumentError("the archive is finished or closed: begin another one")
        with self._watch:
            try:
                self._context.call(function, self._handle.pointer, *arguments)
            finally:
                self._watch.explain()

    def add(self, images: Any, name: str | None = None) -> None:
        """Adds images as they are, copied: (n, H, W, C), or one, (H, W, C) or (H, W), of whole numbers 0 to 255; C is 1:
        grey, 2: grey and alpha, 3: R, G, B, 4: and alpha. name: of one image, that of a file below a folder."""
        values = _values_of(images)
        self._call(library.prnn_archive_writer_add, None if name is None else text_of(name), address(values),
                   *values.shape)

    def finish(self) -> ArchiveInfo:
        """Compresses what is left, and writes the file."""
        info = _header.ArchiveInfo()
        self._call(library.prnn_archive_writer_finish, info)
        self.info = info.pick(ArchiveInfo)
        self.close()
        return self.info

    def close(self) -> None:
        """Ends it; unless it was finished, nothing is left of the archive."""
        self._handle = None

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        try:
            if kind is None and self._handle is not None:
                self.finish()
        finally:
            self.close()


def compress(model: Model, images: Any, path: Path, *, names: Iterable[str | None] | None = None, block: int | None = None,
             tile: int | None = None, model_inside: bool | None = None, verify: bool = True,
             callback: Callback | None = None) -> ArchiveInfo:
    """Compresses images into an archive, without loss: an array or Data (n, H, W, C), or a sequence of images (H, W, C) of
    any sizes, and of 1 to 4 channels; names of each as in ArchiveWriter, whose options these are."""
    if isinstance(images, np.ndarray) and images.ndim != 4:
        raise ArgumentError(f"images: an array of shape {images.shape} is none of images (n, H, W, C); of other ones give a "
                            f"list")
    if not isinstance(images, (Data, np.ndarray)):
        images = [_values_of(image) for image in images]
    labels = [None] * len(images) if names is None else list(names)
    if len(labels) != len(images):
        raise ArgumentError(f"names: {len(labels)} names of {len(images)} images")
    with ArchiveWriter(path, model, block=block, tile=tile, model_inside=model_inside, verify=verify, expected=len(images),
                       callback=callback) as writer:
        for image, name in zip(images, labels):
            writer.add(image, name)
        return writer.finish()


# ------------------------------------------------------------------------------------------- to read


class Archive:
    """An archive that is read: len(archive), archive.images[7].name, archive[7], archive["cat.png"] (H, W, C), archive[2:5].

    model: that which it was made with; absent: the one inside, if there is one; without any, what is stored can be read, and
    what is in it can be listed. One that is damaged is opened as far as something can be read.
    max_pixels: more than so many in all are refused, before anything is decoded.
    """

    def __init__(self, path: Path, model: Model | None = None, *, max_pixels: int | None = None,
                 context: Context | None = None) -> None:
        self._context = context or (model.context if model else choose(None))
        self._path, self._max_pixels = path, max_pixels
        pointer = ctypes.c_void_p()
        self._context.call(library.prnn_archive_open, text_of(path), ctypes.byref(pointer))
        assert pointer.value
        self._handle, self._guard = Handle(pointer.value, library.prnn_archive_free), Guard("the archive")
        info = _header.ArchiveInfo()
        library.prnn_archive_describe(pointer, info)
        self.info: ArchiveInfo = info.pick(ArchiveInfo)
        self._model = model

    @property
    def model(self) -> Model | None:
        """By which it is read; None: there is none."""
        if self._model is None and self.info.model_bytes:
            pointer = ctypes.c_void_p()
            with self._guard.alone():
                self._context.call(library.prnn_archive_model, self._handle.pointer, ctypes.byref(pointer))
            assert pointer.value
            self._model = Model._of(pointer.value, self._context)
        return self._model

    @property
    def images(self) -> list[ArchiveImage]:
        """What is in it; nothing is decoded."""
        result = []
        for index in range(len(self)):
            image = _header.ArchiveImage()
            library.prnn_archive_image_at(self._handle.pointer, index, image)
            result.append(_described(image))
        return result

    def find(self, name: str) -> int:
        """The number of the first image of that name; KeyError: there is none."""
        index = ctypes.c_uint64()
        if "\0" in name or not library.prnn_archive_find(self._handle.pointer, os.fsencode(name), ctypes.byref(index)):
            raise KeyError(name)
        return index.value

    def read(self, first: int = 0, count: int | None = None, *, partial: bool = False,
             callback: Callback | None = None) -> list[Images | None]:
        """Images from number `first` on, each uint8 (H, W, C), decoded on all threads. Damaged ones are a FormatError, as
        is, where all are asked for, any other damage of the file; with `partial` they are None, and warnings of the
        logger "pixelrnn" that say where; all others are as they were."""
        found: list[Images | None] = []

        def take(_user: Any, _index: int, image: Any, values: int | None, why: bytes | None) -> None:
            found.append(None if values is None else _copied(image.contents, values))
            if values is None and partial:
                _log.warning("damaged: %s", (why or b"").decode(errors="replace"))

        first = count_of("first", first)
        if count != 0 and len(self) > 0 and first < len(self):
            some = None if count is None else count_of("count", count)
            self._read(take, partial, callback, first=first, count=some)
        return found

    def verify(self, callback: Callback | None = None) -> dict[int, str]:
        """Decodes all, and says what is damaged: number and reason; empty: nothing is. Damage beside images, which are
        whole then, is in info.problem."""
        found: dict[int, str] = {}

        def take(_user: Any, index: int, _image: Any, _values: Any, why: bytes | None) -> None:
            if why is not None:
                found[index] = why.decode(errors="replace")

        if len(self):
            self._read(take, True, callback, check_only=True)
        return found

    def _read(self, take: Any, partial: bool, callback: Callback | None, **options: Any) -> None:
        watch, raised, model = Watch(callback), [], self.model

        def hear(*arguments: Any) -> bool:
            try:
                take(*arguments)
            except BaseException as error:      # ctypes would swallow it
                raised.append(error)
            return not raised

        given = _header.ArchiveReadOptions(max_pixels=self._max_pixels, image=_header.ArchiveImageFn(hear),
                                           progress=watch.function, **options)
        with self._guard.alone(), model._guard if model else contextlib.nullcontext():
            try:
                self._context.watched(library.prnn_archive_read, self._handle.pointer, model and model._pointer, given,
                                      watch=watch)
            except FormatError:
                if not partial:
                    raise
            except StoppedError:
                if raised:
                    raise raised[0] from None
                raise

    def __len__(self) -> int:
        return int(library.prnn_archive_count(self._handle.pointer))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        index = self.find(index) if isinstance(index, str) else range(len(self))[index]
        return self.read(index, 1)[0]

    def __iter__(self) -> Iterator[Images]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<pixelrnn.Archive: {self.info.images} images, {self.info.raw_bytes} bytes in {self.info.bytes}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self._path, self._model, self._max_pixels, self._context)


def _opened(path: Path, model: Model | None, max_pixels: int | None, context: Context) -> Archive:
    return Archive(path, model, max_pixels=max_pixels, context=context)


def _copied(image: Any, values: int) -> Images:
    shape = (image.height, image.width, image.channels)
    array = np.frombuffer(ctypes.string_at(values, math.prod(shape)), np.uint8).reshape(shape)
    return Images(array.copy(), image.levels or 256)


def _described(image: Any) -> ArchiveImage:
    return ArchiveImage(os.fsdecode(image.name or b""), *(getattr(image, name) for name in ArchiveImage._fields[1:]))


def decompress(path: Path, model: Model | None = None, *, partial: bool = False, max_pixels: int | None = None,
               callback: Callback | None = None, context: Context | None = None) -> list[Images | None]:
    """All images of an archive, each uint8 (H, W, C): see Archive and Archive.read."""
    return Archive(path, model, max_pixels=max_pixels, context=context).read(partial=partial, callback=callback)
