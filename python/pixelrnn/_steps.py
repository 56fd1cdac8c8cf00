"""Images that come into being value by value."""
from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _header
from ._arrays import Levels, address, array_of, bytes_of, new
from ._context import Guard, Handle
from ._errors import ArgumentError
from ._images import Images
from ._library import library

if TYPE_CHECKING:
    from ._model import Model


class Position(NamedTuple):
    """Which value of an image."""

    row: int
    column: int
    channel: int


class _Memory:
    """The stepper's images for numpy; the array holds the stepper."""

    def __init__(self, handle: Handle, shape: tuple[int, ...]) -> None:
        self._handle = handle
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": "|u1",
                                    "data": (library.prnn_stepper_images(handle.pointer), True)}


class Steps:
    """`n` images in raster order, the channels of a pixel one after the other; model.steps(n) makes one.

    Until `position` is None: log_probs() says what is expected of the next value of each image, put(levels) gives it,
    draw() draws it. As an iterator it draws: `for levels in model.steps(n)`, levels uint8 (n,). Until it is at its end, or
    closed, the model cannot be changed. It works in the context of the thread that made it.
    """

    def __init__(self, model: Model, n: int, options: Any) -> None:
        context, guard = model.context.here(), model._guard
        pointer = ctypes.c_void_p()
        guard.keep()
        try:
            context.call(library.prnn_stepper_create, model._pointer, n, options, ctypes.byref(pointer))
        except BaseException:
            guard.release()
            raise
        assert pointer.value
        reading = [guard]
        self._handle = context.owned(pointer.value, library.prnn_stepper_free, model, lambda: _end(reading))
        self._context, self._reading = context, reading
        self._n, self._k, self._m = n, model.levels, model.logits_per_value
        self._shape, self._palette = (n, *model.shape), model.palette
        self._place = tuple(ctypes.c_int() for _ in range(3))
        self._places = tuple(ctypes.byref(number) for number in self._place)

    @property
    def position(self) -> Position | None:
        """(row, column, channel) of the next value; None: all are there."""
        if not library.prnn_stepper_next(self._handle.pointer, *self._places):
            self.close()
            return None
        return Position(*(number.value for number in self._place))

    def close(self) -> None:
        """Ends before all values are there, so that the model can be changed. The images stay."""
        _end(self._reading)

    def _call(self, function: Any, *arguments: Any) -> None:
        if not self._reading and library.prnn_stepper_next(self._handle.pointer, None, None, None):
            raise ArgumentError("these steps are closed")
        self._context.call(function, self._handle.pointer, *arguments)

    def log_probs(self) -> npt.NDArray[np.float64]:
        """Natural logarithms of the probabilities of the levels of the next values, (n, K)."""
        logs = new((self._n, self._k), np.float64)
        self._call(library.prnn_stepper_log_probabilities, address(logs))
        return logs

    def logits(self) -> npt.NDArray[np.float32]:
        """Logits of the next values, (n, M)."""
        logits = new((self._n, self._m), np.float32)
        self._call(library.prnn_stepper_logits, address(logits))
        return logits

    def put(self, levels: Any) -> None:
        """Gives the next value of each image: (n,), or one level for all."""
        given = bytes_of(array_of(levels, "levels"), "levels")
        if given.shape not in ((), (self._n,)):
            raise ArgumentError(f"levels: an array of shape {given.shape} is none of ({self._n},), one for each image")
        given = np.ascontiguousarray(np.broadcast_to(given, self._n))
        self._call(library.prnn_stepper_put, address(given))

    def draw(self) -> Levels:
        """Draws the next value of each image, (n,): the levels that model.sample draws with this seed."""
        levels = new((self._n,), np.uint8)
        self._call(library.prnn_stepper_draw, address(levels))
        return levels

    @property
    def images(self) -> Images:
        """The images so far, (n, H, W, C), read-only: they change with each step. Values that are not there are 0."""
        return Images(np.asarray(_Memory(self._handle, self._shape)), self._k, self._palette)

    def __iter__(self) -> Iterator[Levels]:
        return self

    def __next__(self) -> Levels:
        if self.position is None:
            raise StopIteration
        return self.draw()

    def _repr_png_(self) -> bytes | None:
        return self.images._repr_png_()


def _end(reading: list[Guard]) -> None:
    while reading:
        reading.pop().release()


def stepper_options(small: Levels | None, seed: int | None, first: int | None,
                    temperature: float | None) -> Any:
    return _header.StepperOptions(small=None if small is None else address(small), seed=seed, first=first,
                                  temperature=temperature)
