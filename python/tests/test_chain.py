"""Chains of models."""
from __future__ import annotations

import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import MODELS, golden


@pytest.fixture(scope="module")
def chain() -> pixelrnn.Chain:
    small = pixelrnn.Model(kind="row", height=4, width=4, channels=3, levels=4, layers=1, hidden=3, head=4, seed=1)
    return pixelrnn.Chain([small, golden("row_conditional")[0]])


def test_likelihood(chain: pixelrnn.Chain) -> None:
    images = chain.sample(3, seed=1)
    assert images.shape == (3, 8, 8, 3)
    nats, scales, values = chain.nll(images), chain.nll(images, per_scale=True), chain.nll(images, per_value=True)
    small, large = chain.models
    np.testing.assert_allclose(scales.sum(1), nats, rtol=1e-12)
    np.testing.assert_array_equal(scales[:, 0], small.nll(images[:, ::2, ::2]))
    np.testing.assert_array_equal(scales[:, 1], large.nll(images, new_only=True))
    np.testing.assert_allclose(values.sum((1, 2, 3), dtype=float), nats, rtol=1e-5)
    np.testing.assert_allclose(chain.bits_per_dim(images), nats / (192 * np.log(2)))


def test_program(program: Any, tmp_path: pathlib.Path) -> None:
    paths = [MODELS / "cifar10-8x8.safetensors", MODELS / "cifar10-32x32-given-8x8.safetensors"]
    program("sample", *paths, "--count", 2, "--seed", 4, "--out", tmp_path / "samples.npy")
    chain = pixelrnn.Chain(paths)
    drawn = chain.sample(2, seed=4)
    np.testing.assert_array_equal(drawn, np.load(tmp_path / "samples.npy"))
    program("eval", *paths, "--data", tmp_path / "samples.npy", "--values", "levels", "--per-image",
            tmp_path / "nats.npy")
    np.testing.assert_array_equal(chain.nll(drawn), np.load(tmp_path / "nats.npy"))


def test_completes_and_enlarges(chain: pixelrnn.Chain) -> None:
    images, known = chain.sample(2), np.zeros((8, 8), bool)
    known[:4] = True
    completed = chain.complete(images, known, 3, seed=1)
    assert completed.shape == (2, 3, 8, 8, 3)
    np.testing.assert_array_equal(completed[:, :, :4], np.repeat(images[:, None, :4], 3, axis=1))
    with pytest.raises(ValueError, match="not conditional"):
        chain.upscale(images[:, ::2, ::2])
    above = pixelrnn.Chain(chain.models[1:])
    assert above.small_shape == (4, 4, 3)
    np.testing.assert_array_equal(above.upscale(images[:, ::2, ::2], 2, seed=3),
                                  chain.models[1].upscale(images[:, ::2, ::2], 2, seed=3))


def test_refuses(chain: pixelrnn.Chain) -> None:
    with pytest.raises(ValueError, match="model 2 of the chain"):
        pixelrnn.Chain(chain.models[::-1])
    with pytest.raises(ValueError, match="at least one"):
        pixelrnn.Chain([])
    with pytest.raises(TypeError, match="a list of models"):
        pixelrnn.Chain("model.safetensors")
    with pytest.raises(FileNotFoundError):
        pixelrnn.Chain(["/nowhere"])


def test_pickle(chain: pixelrnn.Chain) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(chain)).sample(2, seed=9), chain.sample(2, seed=9))
