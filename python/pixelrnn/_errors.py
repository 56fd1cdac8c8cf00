"""Failures of the library as exceptions, each with its sentence."""
from __future__ import annotations

import errno
import os

from . import _header


class Error(Exception):
    """Whatever the library refuses or fails at. Its text is one sentence, with the value and the way out."""


class ArgumentError(Error, ValueError):
    """A value is out of range, or does not fit the others."""


class FileError(Error, OSError):
    """A file cannot be opened, read or written (also: disk full)."""


class NotFoundError(FileError, FileNotFoundError):
    """A file or folder is not there."""


class NotPermittedError(FileError, PermissionError):
    """A file may not be read or written."""


class FormatError(Error, ValueError):
    """A file was read, and what it holds is not what it should be; or a likelihood is not finite."""


class OutOfMemoryError(Error, MemoryError):
    """Work whose memory is not there; refused before it begins."""


class DivergedError(Error, ArithmeticError):
    """Training met a NaN or infinite loss or gradient; the last good model is kept."""


class StoppedError(Error):
    """A callback asked to stop."""


class DeviceError(Error, RuntimeError):
    """A GPU is not there, cannot be used, or failed."""


_CLASSES: dict[str, type[Error]] = {
    "error_argument": ArgumentError, "error_file": FileError, "error_format": FormatError,
    "error_memory": OutOfMemoryError, "error_diverged": DivergedError, "stopped": StoppedError,
    "error_device": DeviceError,
}
# The library's sentences end with the system's reason.
_REASONS: dict[int, type[FileError]] = {
    errno.ENOENT: NotFoundError, errno.EACCES: NotPermittedError, errno.EPERM: NotPermittedError,
}


def failure(status: int, sentence: str) -> Error:
    """The exception for a status that is not PRNN_OK."""
    name = _header.STATUS[status] if 0 <= status < len(_header.STATUS) else ""
    kind = _CLASSES.get(name, Error)
    if kind is FileError:
        kind = next((found for number, found in _REASONS.items() if os.strerror(number) in sentence), kind)
    return kind(sentence)
