"""Exact-likelihood image models: Row LSTM, Diagonal BiLSTM and PixelCNN, by the library libpixelrnn.

    import pixelrnn
    model = pixelrnn.load("model.safetensors")
    nats = model.nll(images)            # images: uint8 levels (n, H, W, C)
    drawn = model.sample(64, seed=1)

Images are levels 0 .. K - 1, (n, H, W, C), C fastest. Results of fp32 are the same bits on every processor and GPU, for any
number of threads. What the library refuses is an exception with its sentence: see Error and its subclasses. With PyTorch:
pixelrnn.torch; with scikit-learn: pixelrnn.sklearn.
"""
from __future__ import annotations

import importlib
from typing import Any

from ._archive import Archive, ArchiveImage, ArchiveInfo, ArchiveWriter, compress, decompress
from ._chain import Chain
from ._check import Causality, Certificate, check
from ._context import Context, Device, Progress, devices
from ._data import Data, read_mask
from ._data import open as open
from ._ensemble import Ensemble
from ._errors import (
    ArgumentError,
    DeviceError,
    DivergedError,
    Error,
    FileError,
    FormatError,
    NotFoundError,
    NotPermittedError,
    OutOfMemoryError,
    StoppedError,
)
from ._images import Images
from ._library import version
from ._model import Model, load
from ._steps import Position, Steps
from ._training import History, Trainer

__version__ = version()


def __getattr__(name: str) -> Any:
    """pixelrnn.torch and pixelrnn.sklearn are imported when somebody asks for them: they need what they are named after."""
    if name in ("torch", "sklearn"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [     # not open: `from pixelrnn import *` would hide Python's
    "Archive", "ArchiveImage", "ArchiveInfo", "ArchiveWriter", "ArgumentError", "Causality", "Certificate", "Chain",
    "Context", "Data", "Device", "DeviceError", "DivergedError", "Ensemble", "Error", "FileError", "FormatError",
    "History", "Images", "Model", "NotFoundError", "NotPermittedError", "OutOfMemoryError", "Position", "Progress", "Steps",
    "StoppedError", "Trainer", "check", "compress", "decompress", "devices", "load", "read_mask", "version",
]
