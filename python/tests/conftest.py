"""What the tests share.

They test the package that Python finds: with PYTHONPATH=python and PIXELRNN_LIBRARY the sources and a build, else what is
installed. PIXELRNN_PROGRAM is the program to compare with; tests that need it are skipped without it.
"""
from __future__ import annotations

import json
import os
import pathlib
import struct
import subprocess
from typing import Any

import numpy as np
import pytest

import pixelrnn

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MODELS = SOURCE / "models"
GOLDEN = SOURCE / "tests" / "golden"
GOLDEN_CASES = sorted(path.name.split(".")[0] for path in GOLDEN.glob("*.model.safetensors"))
SHIPPED = sorted(path.stem for path in MODELS.glob("*.safetensors"))


def golden(name: str) -> tuple[pixelrnn.Model, dict[str, Any]]:
    """A golden case: the model, and what is expected of it."""
    return (pixelrnn.load(GOLDEN / f"{name}.model.safetensors"), read_safetensors(GOLDEN / f"{name}.expect.safetensors"))


def read_safetensors(path: pathlib.Path) -> dict[str, Any]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    types = {"F32": "<f4", "F64": "<f8", "U8": "u1", "I64": "<i8"}
    return {name: np.frombuffer(data[8 + length:][slice(*entry["data_offsets"])], types[entry["dtype"]])
            .reshape(entry["shape"]) for name, entry in json.loads(data[8:8 + length]).items() if name != "__metadata__"}


@pytest.fixture(scope="session")
def program() -> Any:
    """Runs the program with these arguments."""
    path = os.environ.get("PIXELRNN_PROGRAM")
    if not path:
        pytest.skip("PIXELRNN_PROGRAM names no program to compare with")

    def run(*arguments: Any, **options: Any) -> str:
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def tiny() -> pixelrnn.Model:
    """A small model with weights that mean something."""
    return golden("row_binary")[0]


@pytest.fixture
def images(tiny: pixelrnn.Model) -> np.ndarray:
    return np.asarray(tiny.sample(6, seed=5))
