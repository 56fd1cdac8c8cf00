"""Sizes, metadata and palettes of models and data sets."""
from __future__ import annotations

import copy
import json
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import GOLDEN, MODELS, golden

COLOURS = np.array([[20, 20, 20], [0, 0, 255], [255, 0, 0], [0, 255, 0], [255, 255, 255]], np.uint8)    # by their luma


@pytest.fixture
def sprites() -> np.ndarray:
    """Images (24, 6, 6, 3) of five colours."""
    return COLOURS[np.random.default_rng(3).integers(0, 5, (24, 6, 6))]


def test_resize(program: Any, tmp_path: pathlib.Path) -> None:
    path = MODELS / "mnist-cnn.safetensors"
    model = pixelrnn.load(path)
    large = model.resize(9, 13)
    assert large.shape == (9, 13, 1)
    assert {**large.config, "height": 28, "width": 28} == model.config
    program("sample", path, "--size", "9x13", "--count", 3, "--seed", 2, "--out", tmp_path / "drawn.npy")
    drawn = large.sample(3, seed=2)
    np.testing.assert_array_equal(drawn, np.load(tmp_path / "drawn.npy"))
    before, weights = large.nll(drawn), large.state_dict()
    model.load_state_dict({name: values * 0 for name, values in weights.items()})
    np.testing.assert_array_equal(large.nll(drawn), before)     # the weights were shared until then
    assert (model.resize(9, 13).nll(drawn) != before).all()
    del model
    np.testing.assert_array_equal(large.nll(drawn), before)
    for wrong in ((0, 5), (5, 4097), (-1, 5)):
        with pytest.raises(ValueError, match="4096"):
            large.resize(*wrong)
    with pytest.raises(ValueError, match=r"height: .* out of range"):
        large.resize(2**40, 5)
    with pytest.raises(pixelrnn.ArgumentError, match="conditional"):
        golden("row_conditional")[0].resize(9, 13)


def test_metadata(tiny: pixelrnn.Model, program: Any, tmp_path: pathlib.Path) -> None:
    assert dict(tiny.metadata) == {}
    tiny.metadata["made by"] = "Ω"
    tiny.metadata.update({"note": "two\nlines", "empty": ""})
    tiny.metadata["made by"] = "us"
    assert list(tiny.metadata.items()) == [("made by", "us"), ("note", "two\nlines"), ("empty", "")]
    assert repr(tiny.metadata) == "{'made by': 'us', 'note': 'two\\nlines', 'empty': ''}"
    assert len(tiny.metadata) == 3
    tiny.save(tmp_path / "m.safetensors")
    told = json.loads(program("info", tmp_path / "m.safetensors", "--json"))
    assert told["metadata"] == dict(tiny.metadata)
    for same in (pixelrnn.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(tiny)), copy.deepcopy(tiny),
                 tiny.resize(3, 3)):
        assert dict(same.metadata) == dict(tiny.metadata)
        same.metadata.clear()
        assert len(tiny.metadata) == 3
    del tiny.metadata["note"]
    assert tiny.metadata.pop("empty") == ""
    assert "note" not in tiny.metadata
    for none in ("note", "", "no\0te", "made by\0", "\ud800", 7):
        assert none not in tiny.metadata
        with pytest.raises(KeyError):
            tiny.metadata[none]
        with pytest.raises(KeyError):
            del tiny.metadata[none]
    for key, value, kind, why in (
            ("", "x", ValueError, "0 bytes"), ("config", "x", ValueError, "config"), ("a\0", "x", ValueError, "null"),
            ("a", "x\0", ValueError, "null"), ("a", "\ud800", ValueError, "surrogates"),
            ("a", "x" * 70000, ValueError, "65536"), (3, "x", TypeError, "3"), ("a", b"x", TypeError, "texts"),
            ("a", None, TypeError, "None")):
        with pytest.raises(kind, match=why):
            tiny.metadata[key] = value
    assert dict(tiny.metadata) == {"made by": "us"}


def test_metadata_of_training(program: Any, tmp_path: pathlib.Path, tiny: pixelrnn.Model, images: np.ndarray) -> None:
    tiny.metadata["note"] = "kept"
    seen = []
    tiny.fit(images, steps=2, out=tmp_path, callback=lambda report: seen.append(dict(tiny.metadata)))
    assert seen[0]["note"] == tiny.metadata["note"] == "kept"
    assert dict(pixelrnn.load(tmp_path).metadata) == dict(tiny.metadata)
    steps = tiny.steps(1)
    with pytest.raises(pixelrnn.Error, match="in use"):
        tiny.metadata["note"] = "changed"
    steps.close()


def test_palettes_of_data(sprites: np.ndarray, program: Any, tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "rgb.npy", sprites)
    data = pixelrnn.open(tmp_path / "rgb.npy", palette=True)
    assert (data.shape, data.levels) == ((24, 6, 6, 1), 5)
    np.testing.assert_array_equal(data.palette, COLOURS)
    np.testing.assert_array_equal(data.palette[data[:][..., 0]], sprites)
    program("convert", "--data", tmp_path / "rgb.npy", "--palette", "--palette-out", tmp_path / "colours.hex", "--out",
            tmp_path / "levels.npy")
    np.testing.assert_array_equal(data, np.load(tmp_path / "levels.npy"))
    mirrored = COLOURS[::-1]
    for same in (pixelrnn.open(sprites, palette=tmp_path / "colours.hex"), pixelrnn.open(sprites, palette=COLOURS.tolist()),
                 pixelrnn.open(data[:], values="levels", palette=COLOURS), pickle.loads(pickle.dumps(data)),
                 pickle.loads(pickle.dumps(pixelrnn.open(sprites, palette=True)))):
        np.testing.assert_array_equal(same, data)
        np.testing.assert_array_equal(same.palette, COLOURS)
    np.testing.assert_array_equal(pixelrnn.open(sprites, palette=mirrored), 4 - data[:])
    assert pixelrnn.open(sprites).palette is None
    assert pixelrnn.open(sprites, palette=False).palette is None
    with pytest.raises(pixelrnn.FormatError, match="none of the palette"):
        pixelrnn.open(sprites, palette=COLOURS[:4])
    for wrong in (COLOURS[0], COLOURS[:1], COLOURS / 255, COLOURS.astype(int) + 1, COLOURS.astype(int) - 1, 7,
                  COLOURS[:, :2], np.zeros((257, 3), int)):
        with pytest.raises(ValueError, match="none of colours"):
            pixelrnn.open(sprites, palette=wrong)
    with pytest.raises(FileNotFoundError):
        pixelrnn.open(sprites, palette="/nowhere.hex")


def test_palettes_of_models(sprites: np.ndarray, program: Any, tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "rgb.npy", sprites)
    data = pixelrnn.open(sprites, palette=True)
    model = pixelrnn.Model(kind="row", height=6, width=6, levels=5, layers=1, hidden=4, head=8)
    assert model.palette is None
    model.fit(data, steps=3, batch=8)
    np.testing.assert_array_equal(model.palette, COLOURS)
    assert model.metadata["palette"] == "#141414 #0000ff #ff0000 #00ff00 #ffffff"
    assert pickle.loads(pickle.dumps(model)).palette.tolist() == COLOURS.tolist()
    model.save(tmp_path / "m.safetensors")

    # What the program draws in colours, and trains on.
    drawn = model.sample(4, seed=1)
    program("sample", tmp_path / "m.safetensors", "--count", 4, "--seed", 1, "--out", tmp_path / "theirs.png")
    drawn.save(tmp_path / "ours.png")
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
    steps = model.steps(4, seed=1)
    for _ in steps:
        pass
    for more in (steps.images, pickle.loads(pickle.dumps(drawn)), drawn[:],
                 model.complete(drawn, np.ones((6, 6), bool))[:, 0], pixelrnn.Chain([model]).sample(4, seed=1)):
        more.save(tmp_path / "ours.png")
        assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
    assert data[0]._repr_png_()[25] == 3        # a PNG with a palette
    again = [copy.deepcopy(model) for _ in range(3)]
    for other, source in zip(again, (data, tmp_path / "rgb.npy", data[:])):
        other.fit(source, steps=2)
        np.testing.assert_array_equal(other.nll(data), again[0].nll(data))
    with pytest.raises(pixelrnn.ArgumentError, match="palette"):
        model.fit(pixelrnn.open(sprites, palette=COLOURS[::-1]), steps=1)
    with pytest.raises(pixelrnn.ArgumentError, match="palette"):
        model.metadata["palette"] = "#000000"


def test_teachers(program: Any, tmp_path: pathlib.Path, tiny: pixelrnn.Model, images: np.ndarray) -> None:
    """teacher and teacher_weight are the program's, however the teacher is given."""
    np.save(tmp_path / "images.npy", images * 255)
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    for path, seed in (first, 1), (second, 2):
        teacher = copy.deepcopy(tiny)
        teacher.fit((images * 255) // 128, steps=5, seed=seed, lr=0.01)
        teacher.save(path)
    program("train", "--data", tmp_path / "images.npy", "--init", GOLDEN / "row_binary.model.safetensors",
            "--teacher", f"{first},{second}", "--teacher-weight", 0.9, "--steps", 6, "--lr", 0.05, "--batch", 2,
            "--out", tmp_path / "run")
    theirs = pixelrnn.load(tmp_path / "run").state_dict()
    both = pixelrnn.Ensemble([first, second])
    for given in (both, [first, second], both.models, (both.models[0], second)):
        ours = copy.deepcopy(tiny)
        ours.fit((images * 255) // 128, steps=6, lr=0.05, batch=2, teacher=given, teacher_weight=0.9)
        for name, values in ours.state_dict().items():
            np.testing.assert_array_equal(values, theirs[name])
    for one in (first, both.models[0], tmp_path / "run"):
        trainer = copy.deepcopy(tiny).trainer((images * 255) // 128, out=tmp_path / f"loop{id(one)}", steps=2, teacher=one)
        assert trainer.step() is not None
    with pytest.raises(pixelrnn.ArgumentError, match="the teacher is the model that is trained"):
        ours.fit((images * 255) // 128, steps=6, teacher=ours)
    with pytest.raises(pixelrnn.ArgumentError, match="the teacher's weight is 2"):
        ours.fit((images * 255) // 128, steps=6, teacher=first, teacher_weight=2)


def test_options_for_small_sets(program: Any, tmp_path: pathlib.Path, tiny: pixelrnn.Model, images: np.ndarray) -> None:
    """flip, shift, dropout, weight_decay and patience are the program's."""
    np.save(tmp_path / "images.npy", images * 255)
    program("train", "--data", tmp_path / "images.npy", "--valid-last", 2, "--init", GOLDEN / "row_binary.model.safetensors",
            "--flip", "--shift", 2, "--dropout", 0.3, "--weight-decay", 0.1, "--patience", 2, "--epochs", 40, "--lr", 0.05,
            "--batch", 2, "--out", tmp_path / "run")
    theirs = pixelrnn.load(tmp_path / "run")
    images = (images * 255) // 128
    given = {"flip": True, "shift": 2, "dropout": 0.3, "weight_decay": 0.1, "patience": 2}
    reports: list[pixelrnn.Progress] = []
    ours = copy.deepcopy(tiny)
    history = ours.fit(images[:4], images[4:], epochs=40, lr=0.05, batch=2, **given, callback=reports.append)
    assert history.steps < 80       # patience
    assert reports[-1].not_lower == 2
    assert reports[-1].best_step == history.steps - 4
    for name, values in ours.state_dict().items():
        np.testing.assert_array_equal(values, theirs.state_dict()[name])
    for name in given:
        other = copy.deepcopy(tiny)
        other.fit(images[:4], images[4:], epochs=40, lr=0.05, batch=2, **{**given, name: None})
        assert any((values != theirs.state_dict()[key]).any() for key, values in other.state_dict().items()), name
