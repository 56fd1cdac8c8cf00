"""Ensembles of models."""
from __future__ import annotations

import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import MODELS, SOURCE, golden

MEMBERS = [MODELS / "mnist-cnn.safetensors", MODELS / "mnist-row.safetensors"]


@pytest.fixture
def ensemble(tiny: pixelrnn.Model) -> pixelrnn.Ensemble:
    """Two models of other weights and kinds."""
    other = pixelrnn.Model(**{**tiny.config, "kind": "cnn"}, seed=1)
    weights = other.state_dict()
    noise = np.random.default_rng(1)
    last = list(weights)[-1]        # the biases of the logits, which begin as 0
    weights[last] = noise.normal(size=weights[last].shape)
    other.load_state_dict(weights)
    return pixelrnn.Ensemble([tiny, other])


def test_likelihood(ensemble: pixelrnn.Ensemble, images: np.ndarray) -> None:
    values = ensemble.nll(images, per_value=True)
    each = np.array([model.nll(images, per_value=True) for model in ensemble.models])
    assert (abs(each[0] - each[1]) > 1e-3).any()
    np.testing.assert_allclose(values, -np.log(np.exp(-each.astype(float)).mean(0)), rtol=1e-6)
    nats = ensemble.nll(images)
    assert nats.dtype == np.float64
    np.testing.assert_allclose(nats, values.sum((1, 2, 3), dtype=float), rtol=1e-6)
    alone = ensemble.nll(images, per_model=True)
    np.testing.assert_array_equal(alone, np.array([model.nll(images) for model in ensemble.models]).T)
    assert (nats <= alone.mean(1)).all()
    np.testing.assert_allclose(ensemble.bits_per_dim(images), nats / (42 * np.log(2)))


def test_program(program: Any, tmp_path: pathlib.Path) -> None:
    data = SOURCE / "data" / "mnist-binarized" / "test-images-idx3-ubyte.gz"
    program("eval", ",".join(map(str, MEMBERS)), "--data", data, "--limit", 8, "--per-image", tmp_path / "nats.npy",
            "--per-value", tmp_path / "values.npy", "--scores", tmp_path / "scores.csv")
    ensemble, images = pixelrnn.Ensemble(MEMBERS), pixelrnn.open(data, levels=2, limit=8)
    np.testing.assert_array_equal(ensemble.nll(images), np.load(tmp_path / "nats.npy"))
    np.testing.assert_array_equal(ensemble.nll(images, per_value=True), np.load(tmp_path / "values.npy"))
    rows = np.genfromtxt(tmp_path / "scores.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(ensemble.nll(images, per_model=True), np.stack([rows["nats_1"], rows["nats_2"]], 1))


def test_one_model_is_itself(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    for models in ([tiny], [tiny] * 3):
        ensemble = pixelrnn.Ensemble(models)
        np.testing.assert_array_equal(ensemble.nll(images), tiny.nll(images))
        assert ensemble.nll(images, per_model=True).shape == (6, len(models))


def test_conditional() -> None:
    model, expect = golden("cnn_conditional")
    images, ensemble = expect["v"], pixelrnn.Ensemble([model, model])
    assert ensemble.small_shape == model.small_shape
    np.testing.assert_array_equal(ensemble.nll(images, new_only=True), model.nll(images, new_only=True))
    np.testing.assert_array_equal(ensemble.nll(images, small=expect["small"]), model.nll(images))
    other = (expect["small"] + 1) % model.levels
    np.testing.assert_array_equal(ensemble.nll(images, small=other), model.nll(images, small=other))
    with pytest.raises(ValueError, match="1 small images for"):
        ensemble.nll(images, small=expect["small"][:1])


def test_other_sizes(ensemble: pixelrnn.Ensemble) -> None:
    large = ensemble.resize(9, 8)
    images = large.models[0].sample(2)
    assert large.shape == images.shape[1:]
    np.testing.assert_array_equal(large.nll(images, per_model=True)[:, 1], ensemble.models[1].resize(9, 8).nll(images))


def test_progress(ensemble: pixelrnn.Ensemble, images: np.ndarray) -> None:
    seen: list[pixelrnn.Progress] = []
    ensemble.nll(images, callback=seen.append)
    assert (seen[-1].done, seen[-1].total) == (12, 12)
    with pytest.raises(pixelrnn.StoppedError):
        ensemble.nll(images, callback=lambda report: False)


def test_refuses(ensemble: pixelrnn.Ensemble, tiny: pixelrnn.Model, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"model 1 of the ensemble is for images of .* model 2 of the ensemble"):
        pixelrnn.Ensemble([tiny, tiny.resize(9, 8)])
    with pytest.raises(ValueError, match="an ensemble has at least one"):
        pixelrnn.Ensemble([])
    with pytest.raises(TypeError, match="a list of models"):
        pixelrnn.Ensemble(tiny)
    with pytest.raises(FileNotFoundError):
        pixelrnn.Ensemble(["/nowhere"])
    with pytest.raises(ValueError, match="not conditional"):
        ensemble.nll(images, small=images)


def test_pickle(ensemble: pixelrnn.Ensemble, images: np.ndarray) -> None:
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.nll(images), ensemble.nll(images))
    assert repr(again) == repr(ensemble)
    assert repr(again).startswith("pixelrnn.Ensemble([pixelrnn.Model(")
    context = pixelrnn.Context(threads=1, cpu="generic")
    again = pickle.loads(pickle.dumps(pixelrnn.Ensemble(ensemble.models, context=context)))
    assert again.context.settings == context.settings
