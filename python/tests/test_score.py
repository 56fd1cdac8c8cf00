"""Scores are the columns of `pixelrnn score --scores`, bit for bit."""
from __future__ import annotations

import csv
import pathlib
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import GOLDEN, MODELS, SOURCE, golden

MNIST = SOURCE / "data" / "mnist-binarized" / "test-images-idx3-ubyte.gz"
OTHERS = SOURCE / "data" / "mnist-binarized" / "valid-images-idx3-ubyte.gz"


def columns(path: pathlib.Path) -> dict[str, list[float]]:
    """Of a table of the program; not which image it is, and whether it was skipped."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name not in ("image", "name", "skipped")}


def same(scores: dict[str, np.ndarray], wanted: dict[str, list[float]]) -> None:
    assert list(scores) == list(wanted)
    for name, values in scores.items():
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, wanted[name], err_msg=name)


def test_program(program: Any, tmp_path: pathlib.Path) -> None:
    path, other = MODELS / "mnist-cnn.safetensors", MODELS / "mnist-row.safetensors"
    program("score", path, "--data", MNIST, "--limit", 30, "--background", other, "--typical", OTHERS,
            "--typical-limit", 100, "--complexity", "png", "--surprise", "--scores", tmp_path / "scores.csv")
    model = pixelrnn.load(path)
    images, typical = pixelrnn.open(MNIST, levels=2, limit=30), pixelrnn.open(OTHERS, levels=2)
    spread = [i * len(typical) // 100 for i in range(100)]
    same(model.score(images, background=pixelrnn.load(other), typical=typical[spread], complexity="png", surprise=True),
         columns(tmp_path / "scores.csv"))


@pytest.mark.parametrize(("name", "complexity"), [("row_conditional", "webp"), ("cnn_conditional", "png")])
def test_program_on_conditional_models(program: Any, tmp_path: pathlib.Path, name: str, complexity: str) -> None:
    """The values count that the small images do not give."""
    path = GOLDEN / f"{name}.model.safetensors"
    model, expect = golden(name)
    try:
        model.score(expect["v"], complexity=complexity)
    except pixelrnn.ArgumentError as error:
        pytest.skip(str(error))     # a library that was built without WebP
    np.save(tmp_path / "images.npy", expect["v"])
    program("score", path, "--data", tmp_path / "images.npy", "--values", "levels", "--background", path, "--complexity",
            complexity, "--surprise", "--scores", tmp_path / "scores.csv")
    for scored in (model, pixelrnn.Chain([model])):
        scores = scored.score(expect["v"], background=model, complexity=complexity, surprise=True)
        same(scores, columns(tmp_path / "scores.csv"))
        assert (scores["ratio"] == 0).all()


def test_chosen(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    scores = tiny.score(images)
    assert list(scores) == ["nats", "bits_per_dim"]
    np.testing.assert_array_equal(scores["nats"], tiny.nll(images))
    np.testing.assert_array_equal(scores["bits_per_dim"], tiny.bits_per_dim(images))
    assert list(tiny.score(images, typical=images)) == ["nats", "bits_per_dim", "typicality"]
    assert [len(column) for column in tiny.score(images[:0], surprise=True, complexity="png").values()] == [0] * 8


def test_surprise_of_what_the_model_draws(tiny: pixelrnn.Model) -> None:
    """About 0, give or take 1."""
    z = tiny.score(tiny.sample(2000, seed=9), surprise=True)["surprise_z"]
    assert abs(z.mean()) < 0.1
    assert abs(z.std() - 1) < 0.1


def test_refusals(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    for options, why in (({"background": tiny.resize(5, 5)}, "background: .*shape"), ({"complexity": "zip"}, "png, webp"),
                         ({"background": pixelrnn.Model(**{**tiny.config, "levels": 3})}, "background: .*levels"),
                         ({"typical": images[:1]}, "typical: a spread"), ({"typical": images[[0, 0]]}, "typical: a spread"),
                         ({"typical": images[:, :3]}, "typical: an array of shape")):
        with pytest.raises(pixelrnn.ArgumentError if "complexity" not in options else ValueError, match=why):
            tiny.score(images, **options)
    colours = pixelrnn.Model(**tiny.config)
    colours.metadata["palette"] = "#000000 #ffffff"
    with pytest.raises(pixelrnn.ArgumentError, match="palette"):
        tiny.score(images, background=colours)
    conditional, expect = golden("row_conditional")
    plain = pixelrnn.Model(**{**conditional.config, "condition_size": 0, "condition_features": 0})
    with pytest.raises(pixelrnn.ArgumentError, match=r"background: .*small images"):
        conditional.score(expect["v"], background=plain)
    with pytest.raises(pixelrnn.StoppedError):
        tiny.score(images, surprise=True, callback=lambda report: False)
