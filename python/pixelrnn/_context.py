"""Contexts: where and how the library computes; calls of it; and who may use what at the same time."""
from __future__ import annotations

import collections
import ctypes
import importlib
import importlib.util
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import _header
from ._errors import ArgumentError, Error, StoppedError, failure
from ._library import library
from ._struct import int_that_fits, text_of

# ----------------------------------------------------------------------------------------- handles


class Handle:
    """Owns something of the library's, and frees it when nobody holds the handle any more.

    After a fork the child has no threads of the library's: what the parent made is the parent's to free.
    """

    __slots__ = ("__weakref__", "_free", "_process", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free
        self._process = os.getpid()

    def __del__(self, here: Callable[[], int] = os.getpid) -> None:
        if getattr(self, "_process", None) == here():
            self._free(self.pointer)


class _Opened(Handle):
    """A prnn_context; it serves one thread, and one process."""

    __slots__ = ("_left", "_thread")

    def __init__(self, settings: Settings) -> None:
        pointer = library.prnn_context_create()
        if not pointer:
            raise MemoryError("no memory for a context")
        super().__init__(pointer, library.prnn_context_free)
        self._thread = threading.get_ident()
        self._left: collections.deque[tuple[Callable[[int], None], int, Any]] = collections.deque()
        self.call(library.prnn_context_set_threads, int_that_fits("threads", settings.threads or 0))
        for function, word in ((library.prnn_context_set_cpu, settings.cpu),
                               (library.prnn_context_set_precision, settings.precision),
                               (library.prnn_context_set_device, settings.device)):
            self.call(function, None if word is None else text_of(word))

    def call(self, function: Any, *arguments: Any) -> None:
        if self._process != os.getpid():
            raise Error("this was begun before the process was forked, and stays with the parent: begin another one here")
        if self._left:
            self._free_left()
        status = function(self.pointer, *arguments)
        if status:
            raise failure(status, library.prnn_message(self.pointer).decode(errors="replace"))

    def owned(self, pointer: int, free: Callable[[int], None], kept: Any, then: Callable[[], None] | None = None) -> Handle:
        """A handle of what works in this context, which may be at work when another thread drops the last reference: then
        it is freed before the next call or with the context. kept: what must outlast it; then: called when it is."""

        def drop(address: int, thread: Callable[[], int] = threading.get_ident) -> None:
            self._left.append((free, address, kept))
            if thread() == self._thread:
                self._free_left()
            if then is not None:
                then()

        return Handle(pointer, drop)

    def _free_left(self) -> None:
        while self._left:
            free, address, _kept = self._left.popleft()
            free(address)

    def __del__(self, here: Callable[[], int] = os.getpid) -> None:
        if getattr(self, "_process", None) == here():
            self._free_left()
        super().__del__(here)


# ---------------------------------------------------------------------------------------- contexts


class Settings(NamedTuple):
    """What a context is asked for; None: as the environment variables PRNN_... say, or the library's default."""

    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    cpu: str | None = None


class Context:
    """Where and how is computed. Each thread of Python that uses it gets a context of the library's own.

    threads: 1 to 1024; 0 or None: the environment variable PRNN_THREADS, or one per core.
    device: "cpu", "cuda:0", "opencl:0", "gpu", "auto"; None: PRNN_DEVICE, or the CPU where that is not set.
    precision: "fp32" or "bf16". cpu: an instruction set, "generic", "avx2", "avx512", "neon", "auto".
    fp32 results are the same bits whatever is chosen here.
    """

    def __init__(self, *, threads: int | None = None, device: str | None = None,
                 precision: str | None = None, cpu: str | None = None) -> None:
        self.settings = Settings(threads, device, precision, cpu)
        self._local = threading.local()
        self._process = os.getpid()
        self.here()

    def here(self) -> _Opened:
        """This thread's context."""
        if self._process != os.getpid():    # a fork's child begins anew
            self._process, self._local = os.getpid(), threading.local()
        opened: _Opened | None = getattr(self._local, "opened", None)
        if opened is None:
            opened = self._local.opened = _Opened(self.settings)
        return opened

    def call(self, function: Any, *arguments: Any) -> None:
        """A function of the library that returns a status: raises what it failed at."""
        self.here().call(function, *arguments)

    def watched(self, function: Any, *arguments: Any, watch: Watch) -> None:
        """The same, of a function whose options have watch.function as their progress callback."""
        with watch:
            try:
                self.here().call(function, *arguments)
            except StoppedError:
                watch.stopped = True
                watch.explain()
                raise
            watch.explain()

    @property
    def device(self) -> str:
        """ "cpu", "cuda:0", ... """
        return str(library.prnn_context_device(self.here().pointer).decode())

    @property
    def precision(self) -> str:
        """ "fp32" or "bf16" """
        return str(library.prnn_context_precision(self.here().pointer).decode())

    @property
    def cpu(self) -> str:
        """The instruction set: "avx512", ..."""
        return str(library.prnn_context_cpu(self.here().pointer).decode())

    @property
    def arithmetic(self) -> str:
        """Name of the arithmetic: where it is the same, results are the same bits."""
        return str(library.prnn_context_arithmetic(self.here().pointer).decode())

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in self.settings._asdict().items() if value is not None)
        return f"pixelrnn.Context({given})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _context_of, tuple(self.settings)


def _context_of(*settings: Any) -> Context:
    return Context(**dict(zip(Settings._fields, settings)))


_default: list[Context] = []


def choose(context: Context | None, threads: int | None = None, device: str | None = None,
           precision: str | None = None) -> Context:
    """`context`, or one of these settings, or the one that all share who ask for nothing."""
    asked = any(setting is not None for setting in (threads, device, precision))
    if context is not None:
        if asked:
            raise ArgumentError("context: it has its own threads, device and precision; give it or them, not both")
        return context
    if asked:
        return Context(threads=threads, device=device, precision=precision)
    if not _default:
        _default.append(Context())
    return _default[0]


class Device(NamedTuple):
    """A device of this machine."""

    name: str        # as Context(device=) takes it
    product: str     # "NVIDIA H100 80GB HBM3"; of the CPU its instruction set
    driver: str      # and its version
    memory: int      # bytes
    why_not: str     # why it cannot be used; "": it can
    why_no_bf16: str  # why one that can be used has no precision bf16; "": it has


def devices() -> list[Device]:
    """The devices of this machine, the CPU first. A driver that is not there is one that cannot be used."""
    context, found = choose(None), ctypes.c_bool(True)
    result: list[Device] = []
    while True:
        info = _header.DeviceInfo()
        context.call(library.prnn_device_describe, len(result), info, ctypes.byref(found))
        if not found:
            return result
        result.append(info.pick(Device))


# --------------------------------------------------------------------------- progress, and Ctrl-C


class Progress(NamedTuple):
    """How far a call is."""

    phase: str                  # "train", "validate", "evaluate", "sample", "complete", "upscale", "check", "read",
                                # "compress", "decompress"
    done: int                   # steps (train), images, or changes (check)
    total: int                  # never 0
    seconds: float              # since the phase began
    images_per_second: float
    epoch: float                # from here on only while training: passes over the data, with fraction
    learning_rate: float
    train_nats: float           # mean over the images since the last line of the log; NaN before the first step
    valid_nats: float           # of the last validation; NaN before the first
    best_nats: float            # lowest validation so far; NaN before the first
    best_step: int              # updates before it
    not_lower: int              # validations since then
    overfitted: int             # the last validations, as many as each had a higher NLL while that of training fell


Callback = Callable[[Progress], Optional[bool]]
_MAIN = threading.main_thread().ident


def progress_of(report: _header.Progress) -> Progress:
    return report.pick(Progress)


# What the module signal wraps in Python, to give names to numbers, takes ten times as long, at every call.
_signal: Any = importlib.import_module("_signal" if importlib.util.find_spec("_signal") else "signal")
_SIGINT = int(signal.SIGINT)


class _Interrupt:
    """Ctrl-C during a call of the main thread. It is noted here and the call ended: an exception could be raised at a place
    where ctypes would swallow it. A handler of the user's own stays."""

    def __init__(self) -> None:
        self.depth = 0      # of calls within calls
        self.asked = False

    def begin(self) -> bool:
        if threading.get_ident() != _MAIN:
            return False
        if self.depth == 0:
            if _signal.getsignal(_SIGINT) is not signal.default_int_handler:
                return False
            self.asked = False
            _signal.signal(_SIGINT, self._note)
        self.depth += 1
        return True

    def end(self) -> None:
        self.depth -= 1
        if self.depth == 0:
            _signal.signal(_SIGINT, signal.default_int_handler)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked = True


_interrupt = _Interrupt()


def _stop() -> bool:
    return _interrupt.asked and _interrupt.depth > 0 and threading.get_ident() == _MAIN


# For calls whose caller wants to hear nothing.
_QUIET = _header.ProgressFn(lambda _user, _report: not _stop())


def _is_false(answer: Any) -> bool:
    """Whether it is False, also numpy's, which comparisons of its numbers give; None is not."""
    return isinstance(answer, (bool, np.bool_)) and not answer


class Watch:
    """What a call is told of its progress by: ends the call where `callback` returns False or raises, and at Ctrl-C, which
    Python hears of only when the library calls back."""

    __slots__ = ("_callback", "_error", "_watches", "function", "stopped")

    def __init__(self, callback: Callback | None = None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(f"callback: {callback!r} cannot be called")
        self._callback = callback
        self._error: BaseException | None = None
        self.stopped = False    # the library says so
        self.function: Any = _QUIET if callback is None else _header.ProgressFn(self._hear)

    def _hear(self, _user: Any, report: Any) -> bool:
        try:
            assert self._callback
            return not _stop() and not _is_false(self._callback(progress_of(report.contents)))
        except BaseException as error:    # KeyboardInterrupt too: ctypes would swallow it
            self._error = error
            return False

    def __enter__(self) -> None:
        self._watches = _interrupt.begin()

    def __exit__(self, *_: object) -> None:
        if self._watches:
            _interrupt.end()
        self.function = None    # it holds the watch

    def explain(self) -> None:
        """Raises what the callback raised, or KeyboardInterrupt."""
        if self._error is not None:
            raise self._error
        if self._watches and _interrupt.asked:
            raise KeyboardInterrupt


# ------------------------------------------------------------------------------------ sharing


class Guard:
    """Many may read a model or a data set at the same time; who changes it needs it alone, and may read it meanwhile (from
    a callback). Nobody waits: what does not go is refused."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._readers = 0
        self._changing = 0      # the thread

    def __enter__(self) -> None:
        """Begins to read."""
        with self._lock:
            if self._changing and self._changing != threading.get_ident():
                raise Error(f"{self._what} is being changed by another thread: wait for it, or give each thread its own")
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        self.release()

    def keep(self) -> None:
        """Begins to read, beyond the call that is at work; release ends it. A change that this may be part of would go on
        behind its back."""
        with self._lock:
            if self._changing:
                raise Error(f"{self._what} is being changed: begin this before or after the change, not in its callback")
            self._readers += 1

    def release(self) -> None:
        with self._lock:
            self._readers -= 1

    def alone(self) -> _Alone:
        """with guard.alone(): nobody else uses it."""
        return _Alone(self)

    def begin_change(self) -> None:
        with self._lock:
            if self._readers or self._changing:
                raise Error(f"{self._what} is in use: it can be changed when the other calls have ended")
            self._changing = threading.get_ident()

    def end_change(self) -> None:
        with self._lock:
            self._changing = 0


class _Alone(NamedTuple):
    guard: Guard

    def __enter__(self) -> None:
        self.guard.begin_change()

    def __exit__(self, *_: object) -> None:
        self.guard.end_change()
