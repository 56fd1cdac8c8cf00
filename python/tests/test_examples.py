"""examples/quickstart.py and experiments/widen.py run, and what they say holds."""
from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import pixelrnn
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


@pytest.mark.parametrize("kind", ["cnn", "row", "diagonal"])
@pytest.mark.parametrize("given", [0, 2])
def test_widened(kind: str, given: int, tmp_path: pathlib.Path) -> None:
    """A wider network computes the same."""
    model = pixelrnn.Model(kind=kind, height=4, width=4, channels=3, levels=4, layers=2, hidden=6, head=6, skip=True,
                           condition_size=given, condition_features=3 if given else 0, seed=5)
    images = np.random.default_rng(1).integers(0, 4, (5, 4, 4, 3), np.uint8)
    before = model.nll(images)
    model.fit(images, steps=30, batch=5, lr=1e-2, optimizer="adam")
    assert np.abs(model.nll(images) - before).max() > 1     # all layers do something
    model.save(tmp_path / "narrow.safetensors")
    widen = [sys.executable, str(SOURCE / "experiments" / "widen.py")]
    subprocess.run([*widen, str(tmp_path / "narrow.safetensors"), "12", "9", str(tmp_path / "wide.safetensors")], check=True)
    wide = pixelrnn.load(tmp_path / "wide.safetensors")
    assert wide.config == {**model.config, "hidden": 12, "head": 9}
    np.testing.assert_allclose(wide.nll(images), model.nll(images), rtol=1e-5)
