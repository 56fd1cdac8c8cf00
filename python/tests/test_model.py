"""Models: what they compute is what the program computes, bit for bit."""
from __future__ import annotations

import copy
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import GOLDEN, GOLDEN_CASES, MODELS, SHIPPED, SOURCE, golden


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_golden(name: str) -> None:
    """Within the bounds that tests/test_golden.c has for fp32."""
    model, expect = golden(name)
    np.testing.assert_allclose(model.nll(expect["v"]), expect["nll"], rtol=1e-4)
    np.testing.assert_allclose(model.logits(expect["v"]), expect["logits"], rtol=1e-3, atol=1e-4)
    nats, gradient = model.gradient(expect["v"])
    assert nats == pytest.approx(expect["nll"].mean(), rel=1e-4)
    for tensor, values in gradient.items():
        wanted = expect["grad." + tensor]
        assert np.linalg.norm(values - wanted) < 1e-3 * np.linalg.norm(wanted)
    if model.small_shape:
        np.testing.assert_array_equal(model.nll(expect["v"], small=expect["small"]), model.nll(expect["v"]))


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-row"])
def test_program(program: Any, tmp_path: pathlib.Path, name: str) -> None:
    path = MODELS / f"{name}.safetensors"
    data = SOURCE / "data" / "mnist-binarized" / "test-images-idx3-ubyte.gz"
    model = pixelrnn.load(path)
    images = pixelrnn.open(data, levels=2, limit=20)
    program("eval", path, "--data", data, "--limit", 20, "--per-image", tmp_path / "nats.npy", "--per-value",
            tmp_path / "values.npy")
    np.testing.assert_array_equal(model.nll(images), np.load(tmp_path / "nats.npy"))
    np.testing.assert_array_equal(model.nll(images, per_value=True), np.load(tmp_path / "values.npy"))

    program("sample", path, "--count", 8, "--seed", 7, "--out", tmp_path / "samples.npy")
    np.testing.assert_array_equal(model.sample(8, seed=7), np.load(tmp_path / "samples.npy"))

    program("complete", path, "--data", data, "--known-rows", 14, "--count", 3, "--samples", 2, "--seed", 3, "--out",
            tmp_path / "completed.npy")
    known = np.arange(28)[:, None] < np.full(28, 14)
    np.testing.assert_array_equal(model.complete(images[:3], known, 2, seed=3), np.load(tmp_path / "completed.npy"))


def test_program_upscales(program: Any, tmp_path: pathlib.Path) -> None:
    path, expect = GOLDEN / "row_conditional.model.safetensors", golden("row_conditional")[1]
    np.save(tmp_path / "small.npy", expect["small"])
    program("upscale", path, "--data", tmp_path / "small.npy", "--values", "levels", "--samples", 3, "--out",
            tmp_path / "large.npy")
    np.testing.assert_array_equal(pixelrnn.load(path).upscale(expect["small"], 3), np.load(tmp_path / "large.npy"))


@pytest.mark.parametrize("name", SHIPPED)
def test_log_probs(name: str) -> None:
    model = pixelrnn.load(MODELS / f"{name}.safetensors")
    images = model.sample(1) if model.small_shape is None else model.upscale(np.zeros((1, *model.small_shape)))[:, 0]
    logs = model.log_probs(images)
    assert logs.shape == (*images.shape, model.levels)
    np.testing.assert_allclose(np.exp(logs).sum(-1), 1, atol=1e-5)
    chosen = -np.take_along_axis(logs, np.asarray(images)[..., None].astype(int), -1).sum()
    assert chosen == pytest.approx(model.nll(images)[0], rel=1e-5)
    values = model.nll(images, per_value=True)
    assert values.sum(dtype=float) == pytest.approx(chosen, rel=1e-5)


def test_bits_per_dim(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    np.testing.assert_allclose(tiny.bits_per_dim(images), tiny.nll(images) / (42 * np.log(2)), rtol=1e-15)


def test_conditional() -> None:
    model, expect = golden("cnn_conditional")
    values = model.nll(expect["v"], new_only=True, per_value=True)
    assert (values[:, ::2, ::2] == 0).all()
    assert values.sum() < model.nll(expect["v"]).sum()
    large = model.upscale(expect["small"], 2)
    np.testing.assert_array_equal(large[:, :, ::2, ::2], np.repeat(expect["small"][:, None], 2, axis=1))
    with pytest.raises(ValueError, match="1 small images for 2 images"):
        model.nll(expect["v"], small=expect["small"][:1])
    with pytest.raises(ValueError, match="small: an array of shape"):
        model.upscale(expect["v"])
    with pytest.raises(ValueError, match="upscale"):
        model.sample(1)
    plain, images = golden("row_binary")[0], golden("row_binary")[1]["v"]
    with pytest.raises(ValueError, match="not conditional"):
        plain.nll(images, small=images)
    with pytest.raises(ValueError, match="not conditional"):
        plain.upscale(images)


def test_configuration() -> None:
    model = pixelrnn.Model(kind="row", height=5, width=4, channels=3, levels=16, output="logistics", components=2,
                           layers=2, hidden=3, head=4, skip=True, residual=False, seed=3)
    assert model.config == {"kind": "row", "height": 5, "width": 4, "channels": 3, "levels": 16, "layers": 2,
                            "residual": False, "hidden": 3, "skip": True, "head": 4, "condition_size": 0,
                            "condition_features": 0, "output": "logistics", "components": 2}
    assert model.shape == (5, 4, 3)
    assert (model.levels, model.logits_per_value) == (16, 6)
    again = pixelrnn.Model(**model.config, seed=3)
    for name, values in again.state_dict().items():
        np.testing.assert_array_equal(values, model.state_dict()[name])
    assert "kind='row'" in repr(model)
    for wrong in ({"kind": "lstm"}, {"height": 0}, {"levels": 1}, {"channels": 2}, {"output": "gauss"}, {"seed": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong)).rstrip("s") + "|1 or 3"):
            pixelrnn.Model(**wrong)


def test_weights(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    weights = tiny.state_dict()
    assert weights["input.weight"].shape == (8, 1, 7, 7)
    tiny.save(tmp_path / "saved.safetensors")
    other = pixelrnn.Model(**tiny.config)
    assert (other.nll(images) != tiny.nll(images)).all()
    other.load_state_dict(weights)
    for same in (other, pixelrnn.load(tmp_path / "saved.safetensors"), pickle.loads(pickle.dumps(tiny)),
                 copy.deepcopy(tiny)):
        np.testing.assert_array_equal(same.nll(images), tiny.nll(images))
    weights["input.weight"][0, 0, 6, 6] = 1
    with pytest.raises(ValueError, match="mask"):
        other.load_state_dict(weights)
    for wrong, why in (({**weights, "more": weights["input.bias"]}, "more is unknown"),
                       ({"input.bias": weights["input.bias"]}, "is missing"),
                       ({**weights, "input.bias": weights["input.weight"]}, "input.bias is of shape")):
        with pytest.raises(ValueError, match=why):
            other.load_state_dict(wrong)
    with pytest.raises(ValueError, match="finite"):
        other.load_state_dict({**tiny.state_dict(), "input.bias": np.full(8, np.nan)})
    np.testing.assert_array_equal(other.nll(images), tiny.nll(images))


def test_files_that_are_none(tiny: pixelrnn.Model, tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pixelrnn.load("/nowhere/model.safetensors")
    with pytest.raises(pixelrnn.Error, match="No such file"):
        tiny.save("/nowhere/model.safetensors")
    (tmp_path / "bad").write_text("this is no model file")
    with pytest.raises(pixelrnn.FormatError, match="bad"):
        pixelrnn.load(tmp_path / "bad")
    with pytest.raises(pixelrnn.FormatError, match="bad"):
        pixelrnn.load(bytes(tmp_path / "bad"))
    assert issubclass(pixelrnn.OutOfMemoryError, MemoryError)
    with pytest.raises(ValueError, match="null"):
        pixelrnn.load("a\0b")


def test_work_that_is_too_large_is_refused(tiny: pixelrnn.Model) -> None:
    with pytest.raises(pixelrnn.OutOfMemoryError, match="memory"):
        tiny.steps(2**31 - 1)


def test_temperature_and_first(tiny: pixelrnn.Model) -> None:
    all_of_them = tiny.sample(8, seed=2)
    np.testing.assert_array_equal(tiny.sample(3, seed=2, first=5), all_of_them[5:])
    assert (tiny.sample(8, seed=2, temperature=0.1) != all_of_them).any()


def test_check(tiny: pixelrnn.Model, program: Any) -> None:
    found = tiny.check(positions=32)
    assert found
    assert found.passed
    assert found.kernels.leaks == 0 < found.kernels.kept
    assert found == pixelrnn.check(GOLDEN / "row_binary.model.safetensors", positions=32)
    with pytest.raises(pixelrnn.StoppedError):
        tiny.check(callback=lambda report: False)


def test_pictures(tiny: pixelrnn.Model, tmp_path: pathlib.Path) -> None:
    drawn = tiny.sample(4)
    for shown in (tiny, drawn, drawn[0], tiny.complete(drawn, np.ones((6, 7), bool), 2), tiny.steps(2), drawn[:, :3]):
        assert shown._repr_png_().startswith(b"\x89PNG")
    for other in (drawn[..., 0], drawn.astype(float), drawn[:0], drawn.sum()):
        assert not hasattr(other, "_repr_png_") or other._repr_png_() is None
    assert golden("row_conditional")[0]._repr_png_() is None
    for name in ("/nowhere/drawn.npy", "/nowhere/drawn.jpg", "/nowhere/drawn", b"/nowhere/drawn"):
        with pytest.raises(ValueError, match=r"end with \.png"):
            drawn.save(name)
    drawn.save(tmp_path / "drawn.png", columns=2)
    assert pixelrnn.open(tmp_path / "drawn.png").shape == (1, 13, 15, 1)
    again = pickle.loads(pickle.dumps(drawn))
    np.testing.assert_array_equal(again, drawn)
    assert again.levels == drawn[1:].levels == 2
