#!/usr/bin/env python3
"""What a call of the Python package costs beyond the library's own time, in microseconds of this thread: the likelihood of
an image of two by two by the package, and by the C function with its arguments ready, in turns; median and least of rounds.

    PYTHONPATH=python PIXELRNN_LIBRARY=build/libpixelrnn.so bench/python_calls.py"""
from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

import pixelrnn
from pixelrnn import _context

ROUNDS, CALLS = 60, 100


def microseconds(call: Any) -> float:
    begin = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - begin) * 1e6 / CALLS


def main() -> None:
    model = pixelrnn.Model(height=2, width=2, layers=1, hidden=1, head=1, levels=2, kind="cnn", threads=1)
    images, nats = np.asarray(model.sample(1)), np.empty(1)
    library, opened = _context.library, model.context.here()
    arguments = (opened.pointer, model._pointer, images.ctypes.data, 1, None, nats.ctypes.data, None)
    package, alone = [], []
    for _ in range(ROUNDS):
        package.append(microseconds(lambda: model.nll(images)))
        alone.append(microseconds(lambda: library.prnn_evaluate(*arguments)))
    for name, times in (("the package", package), ("the C function", alone)):
        print(f"{name}: {statistics.median(times):.1f}, least {min(times):.1f} microseconds")
    print(f"between them: {statistics.median(package) - statistics.median(alone):.1f}, of the least {min(package) - min(alone):.1f}")


if __name__ == "__main__":
    main()
