"""Archives: the bytes of the program's, and images as they were or none."""
from __future__ import annotations

import copy
import json
import logging
import pathlib
import pickle
import zlib
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import GOLDEN, golden

PATH = GOLDEN / "row_binary.model.safetensors"


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Of many sizes and numbers of channels."""
    random = np.random.default_rng(4)
    return [random.integers(0, 256, shape).astype(np.uint8) for shape in
            ((5, 7, 1), (5, 7, 1), (3, 4, 3), (6, 2, 4), (20, 17, 2))]


def same(found: Any, images: Any) -> None:
    assert len(found) == len(images)
    for one, other in zip(found, images):
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, other)


def test_program(tiny: pixelrnn.Model, images: np.ndarray, program: Any, tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "images.npy", images)
    told = json.loads(program("compress", PATH, "--data", tmp_path / "images.npy", "--out", tmp_path / "theirs.prnn",
                              "--json"))
    info = pixelrnn.compress(tiny, images, tmp_path / "ours.prnn")
    assert (tmp_path / "ours.prnn").read_bytes() == (tmp_path / "theirs.prnn").read_bytes()
    assert (info.images, info.raw_bytes, info.bytes) == (6, images.size, told["bytes"])
    assert info.fingerprint == tiny.fingerprint == told["model"]
    assert info.coded_bytes > 0
    assert info.stored_bytes == 0
    same(pixelrnn.decompress(tmp_path / "theirs.prnn", tiny), images)
    program("decompress", PATH, tmp_path / "ours.prnn", "--out", tmp_path / "again.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), images)


def test_options(tiny: pixelrnn.Model, images: np.ndarray, program: Any, tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "images.npy", images)
    program("compress", PATH, "--data", tmp_path / "images.npy", "--out", tmp_path / "theirs.prnn", "--block", 2, "--tile",
            16, "--model-inside", "--no-verify")
    info = pixelrnn.compress(tiny, list(images), tmp_path / "ours.prnn", block=2, tile=16, model_inside=True, verify=False)
    assert (tmp_path / "ours.prnn").read_bytes() == (tmp_path / "theirs.prnn").read_bytes()
    assert (info.tile, info.blocks) == (16, 3)
    assert info.model_bytes > 0
    inside = pixelrnn.Archive(tmp_path / "ours.prnn")       # needs nothing else
    same(inside, images)
    assert inside.model is inside.model
    assert inside.model.fingerprint == tiny.fingerprint


def test_any_images(tiny: pixelrnn.Model, pictures: list[np.ndarray], tmp_path: pathlib.Path) -> None:
    names = ["grey.png", None, "a/colour.png", "ö.png", "cat.png"]
    with pixelrnn.ArchiveWriter(tmp_path / "a.prnn", tiny) as writer:
        for image, name in zip(pictures, names):
            writer.add(image, name)
        assert not (tmp_path / "a.prnn").exists()
        with pytest.raises(pixelrnn.Error, match="in use"):
            tiny.metadata["a"] = "b"
    tiny.metadata["a"] = "b"
    assert writer.info is not None
    assert writer.info.images == 5
    pixelrnn.compress(tiny, pictures, tmp_path / "b.prnn", names=names)
    assert (tmp_path / "a.prnn").read_bytes() == (tmp_path / "b.prnn").read_bytes()
    archive = pixelrnn.Archive(tmp_path / "a.prnn", tiny)
    assert archive.info == writer.info
    same(archive, pictures)
    same(archive.read(), pictures)
    same(archive.read(1, 2), pictures[1:3])
    same(archive[3:0:-2], [pictures[3], pictures[1]])
    same([archive["ö.png"], archive[-1], archive.read(4)[0]], [pictures[3], pictures[4], pictures[4]])
    assert archive.read(5) == archive.read(2, 0) == []
    assert [image.name for image in archive.images] == [name or "" for name in names]
    assert [image[1:4] for image in archive.images] == [image.shape for image in pictures]
    assert archive.find("cat.png") == 4
    assert archive.verify() == {}
    assert archive[0]._repr_png_().startswith(b"\x89PNG")
    assert "5 images" in repr(archive)
    same(pickle.loads(pickle.dumps(archive)), pictures)
    for wrong, kind in (("dog.png", KeyError), ("cat\0", KeyError), (5, IndexError), (-6, IndexError)):
        with pytest.raises(kind):
            archive[wrong]
    with pytest.raises(pixelrnn.ArgumentError, match="5 images"):
        archive.read(4, 2)
    with pytest.raises(pixelrnn.ArgumentError, match="pixels"):
        pixelrnn.decompress(tmp_path / "a.prnn", tiny, max_pixels=100)
    pixelrnn.compress(tiny, [], tmp_path / "none.prnn")
    none = pixelrnn.Archive(tmp_path / "none.prnn")
    assert (none.read(), none.verify(), list(none)) == ([], {}, [])


def test_data_and_arrays(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    data = pixelrnn.open(images, levels=2, values="levels")
    files = []
    for source in (images, data, images.astype(float), list(images[..., 0])):
        pixelrnn.compress(tiny, source, tmp_path / "a.prnn")
        files.append((tmp_path / "a.prnn").read_bytes())
    assert files == files[:1] * 4
    for wrong in (images[0], [np.zeros(3)], [np.zeros((2, 2, 5))], [np.full((2, 2), 256)], np.zeros((1, 0, 2, 1))):
        with pytest.raises(ValueError, match=r"images|sides|no level"):
            pixelrnn.compress(tiny, wrong, tmp_path / "b.prnn")
    for names, why in ((["a"], "1 names of 6"), (["/etc/x"] + [None] * 5, "name"), (["a/../../x"] + [None] * 5, "name")):
        with pytest.raises(ValueError, match=why):
            pixelrnn.compress(tiny, images, tmp_path / "b.prnn", names=names)
    for options in ({"block": -1}, {"tile": 3}):
        with pytest.raises(pixelrnn.ArgumentError):
            pixelrnn.compress(tiny, images, tmp_path / "b.prnn", **options)
    with pytest.raises(pixelrnn.ArgumentError, match="conditional"):
        pixelrnn.compress(golden("row_conditional")[0], images, tmp_path / "b.prnn")
    assert [path.name for path in tmp_path.iterdir()] == ["a.prnn"]


def test_nothing_is_left_of_a_failure(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    writer = pixelrnn.ArchiveWriter(tmp_path / "a.prnn", tiny)
    writer.add(images)
    with pytest.raises(ZeroDivisionError), writer:
        raise ZeroDivisionError
    with pytest.raises(pixelrnn.ArgumentError, match="begin another"):
        writer.add(images)

    def fail(report: pixelrnn.Progress) -> None:
        assert (report.phase, report.total) == ("compress", 6)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pixelrnn.compress(tiny, images, tmp_path / "a.prnn", callback=fail)
    with pytest.raises(pixelrnn.StoppedError):
        pixelrnn.compress(tiny, images, tmp_path / "a.prnn", callback=lambda report: False)
    del writer
    tiny.metadata["a"] = "b"        # nobody uses the model any more
    assert list(tmp_path.iterdir()) == []


def test_another_model(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    pixelrnn.compress(tiny, images, tmp_path / "a.prnn")
    same(pixelrnn.decompress(tmp_path / "a.prnn", tiny.resize(28, 28)), images)     # of any size
    with pytest.raises(pixelrnn.ArgumentError, match="model"):
        pixelrnn.decompress(tmp_path / "a.prnn", pixelrnn.Model(**tiny.config))
    with pytest.raises(pixelrnn.ArgumentError, match="give it"):
        pixelrnn.decompress(tmp_path / "a.prnn")
    assert len(pixelrnn.Archive(tmp_path / "a.prnn")) == 6
    (tmp_path / "b.prnn").write_text("no archive")
    with pytest.raises(pixelrnn.FormatError, match=r"b\.prnn"):
        pixelrnn.Archive(tmp_path / "b.prnn")
    with pytest.raises(FileNotFoundError):
        pixelrnn.Archive("/nowhere.prnn")


def test_damage(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path, caplog: Any) -> None:
    pixelrnn.compress(tiny, images, tmp_path / "a.prnn", block=2)
    whole = (tmp_path / "a.prnn").read_bytes()
    mark = whole[:8]
    starts = [i for i in range(len(whole)) if whole[i:i + 8] == mark]
    block = next(i for i in starts[3:] if whole[i + 8:i + 9] == b"B")      # the second one
    bad = bytearray(whole)
    bad[block + 40] ^= 1
    (tmp_path / "a.prnn").write_bytes(bad)
    archive = pixelrnn.Archive(tmp_path / "a.prnn", tiny)
    with pytest.raises(pixelrnn.FormatError, match="2 of 6 images"):
        archive.read()
    with caplog.at_level(logging.WARNING, "pixelrnn"):
        found = archive.read(partial=True)
    assert caplog.text.count("damaged: ") == 2
    lost = [i for i, image in enumerate(found) if image is None]
    assert list(archive.verify()) == lost
    assert len(lost) == 2
    kept = [i for i in range(6) if i not in lost]
    same([found[i] for i in kept], images[kept])
    same([archive[i] for i in kept], images[kept])
    with pytest.raises(pixelrnn.FormatError):
        archive[lost[0]]


@pytest.mark.parametrize("count", [1, 2])
def test_without_its_end(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path, count: int) -> None:
    """An image that is whole is given, however many there are; that the file is not shows when all are asked for."""
    pixelrnn.compress(tiny, images[:count], tmp_path / "a.prnn")
    (tmp_path / "a.prnn").write_bytes((tmp_path / "a.prnn").read_bytes()[:-10])
    archive = pixelrnn.Archive(tmp_path / "a.prnn", tiny)
    same([archive[i] for i in range(count)], images[:count])
    same(archive.read(0, count), images[:count])
    with pytest.raises(pixelrnn.FormatError, match="its end is missing"):
        archive.read()
    same(archive.read(partial=True), images[:count])


def test_callback(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    pixelrnn.compress(tiny, images, tmp_path / "a.prnn")
    archive = pixelrnn.Archive(tmp_path / "a.prnn", tiny)

    def fail(report: pixelrnn.Progress) -> None:
        assert report.phase == "decompress"
        tiny.nll(images)                # may be read meanwhile
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        archive.read(callback=fail)
    with pytest.raises(pixelrnn.StoppedError):
        archive.verify(callback=lambda report: False)
    same(archive, images)


def test_palette(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    model, colours = copy.deepcopy(tiny), np.array([[16, 32, 48], [255, 255, 255]], np.uint8)
    model.metadata["palette"] = "#102030 #ffffff"
    sprites = colours[images[..., 0]]
    info = pixelrnn.compress(model, sprites, tmp_path / "sprites.prnn")
    numbers = pixelrnn.compress(model, images, tmp_path / "numbers.prnn")
    assert info.coded_bytes == numbers.coded_bytes
    archive = pixelrnn.Archive(tmp_path / "sprites.prnn", model)
    assert {(image.channels, image.levels, image.colours, image.palette) for image in archive.images} == \
        {(3, 256, 2, zlib.crc32(colours.tobytes()))}
    assert {image.colours for image in pixelrnn.Archive(tmp_path / "numbers.prnn").images} == {0}
    same(archive.read(), sprites)
    same(pixelrnn.decompress(tmp_path / "numbers.prnn", tiny), images)
    with pytest.raises(pixelrnn.ArgumentError, match="palette"):
        pixelrnn.decompress(tmp_path / "sprites.prnn", tiny)
