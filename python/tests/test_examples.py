"""examples/quickstart.py runs, and what it says holds."""
from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from conftest import MODELS, SOURCE

MODEL = str(MODELS / "mnist-diagonal-1.safetensors")
IMAGES = str(SOURCE / "data" / "mnist-binarized" / "valid-images-idx3-ubyte.gz")


@pytest.mark.parametrize("arguments", [[MODEL, IMAGES], [MODEL]])
def test_quickstart(arguments: list[str], tmp_path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, str(SOURCE / "examples" / "quickstart.py"), *arguments], cwd=tmp_path, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    values, whole = re.search(r"value by value: ([\d.]+) nats, as a whole: ([\d.]+)", done.stdout).groups()
    assert values == whole
    assert float(re.search(r"after 30 steps: ([\d.]+) nats", done.stdout)[1]) < 28 * 28 * 0.6932
    assert {path.name for path in tmp_path.iterdir()} == {"samples.png", "completed.png", "small.safetensors"}


def test_usage() -> None:
    done = subprocess.run([sys.executable, str(SOURCE / "examples" / "quickstart.py")], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 1
    assert done.stderr == "usage: quickstart.py MODEL [IMAGES]\n"
