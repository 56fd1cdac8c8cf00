"""Finds the library and opens it."""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import pathlib
import sys

from . import _header

_NAME = "libpixelrnn.dylib" if sys.platform == "darwin" else "libpixelrnn.so"


def _place() -> str:
    """PIXELRNN_LIBRARY, or what the package brings, or what is installed on this machine."""
    wish = os.environ.get("PIXELRNN_LIBRARY")
    if wish:
        return wish
    own = pathlib.Path(__file__).with_name(_NAME)
    return str(own) if own.exists() else ctypes.util.find_library("pixelrnn") or _NAME


def _open() -> ctypes.CDLL:
    place = _place()
    try:
        library = ctypes.CDLL(place)
    except OSError as error:
        raise ImportError(f"the library pixelrnn cannot be opened ({error}): install the package, or name "
                          f"{_NAME} in the environment variable PIXELRNN_LIBRARY") from None
    for name, (returns, takes) in _header.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{place} has no {name}: it is another version than {_header.VERSION}, for which this "
                              f"package was made") from None
        function.restype, function.argtypes = returns, takes
    return library


library = _open()


def version() -> str:
    """Version of the library that runs, such as "0.2.0"."""
    return str(library.prnn_version().decode())
