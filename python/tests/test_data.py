"""Data sets from files and arrays."""
from __future__ import annotations

import logging
import pathlib
import pickle
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import SOURCE

DATA = SOURCE / "data" / "mnist-binarized" / "valid-images-idx3-ubyte.gz"


@pytest.fixture
def bytes_(tmp_path: pathlib.Path) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (10, 8, 6, 3)).astype(np.uint8)


def test_files() -> None:
    data = pixelrnn.open(DATA, levels=2, limit=10)
    assert data.shape == (10, 28, 28, 1)
    assert len(data) == 10
    assert data.levels == 2
    assert data.name(3) is None
    assert data.number(3) == 3
    assert set(np.unique(data)) == {0, 1}
    assert "10 images of 28 x 28 x 1, 2 levels" in repr(data)
    assert data._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(FileNotFoundError):
        pixelrnn.open("/nowhere")


def test_arrays(bytes_: np.ndarray) -> None:
    data = pixelrnn.open(bytes_, levels=16)
    np.testing.assert_array_equal(data, bytes_ // 16)
    np.testing.assert_array_equal(pixelrnn.open(bytes_[..., 0])[:], bytes_[..., :1])
    np.testing.assert_array_equal(pixelrnn.open(bytes_ % 2, levels=2, values="levels"), bytes_ % 2)
    assert pixelrnn.open(bytes_, size=(4, 4), fit="resize", channels=1).shape == (10, 4, 4, 1)
    for wrong in (bytes_[0], bytes_[0, 0], bytes_ / 255, "nothing"):
        with pytest.raises((ValueError, FileNotFoundError)):
            pixelrnn.open(wrong)
    for options in ({"levels": 1}, {"fit": "squeeze"}, {"background": (1, 2)}, {"size": (-1, 3)}):
        with pytest.raises(ValueError, match=next(iter(options)) + "|4096"):
            pixelrnn.open(bytes_, **options)


def test_index(bytes_: np.ndarray) -> None:
    data = pixelrnn.open(bytes_)
    np.testing.assert_array_equal(data[3], bytes_[3])
    np.testing.assert_array_equal(data[-1], bytes_[-1])
    np.testing.assert_array_equal(data[2:9:3], bytes_[2:9:3])
    np.testing.assert_array_equal(data[::-1], bytes_[::-1])
    np.testing.assert_array_equal(data[[4, 4, 0]], bytes_[[4, 4, 0]])
    np.testing.assert_array_equal(data[bytes_[:, 0, 0, 0] > 99], bytes_[bytes_[:, 0, 0, 0] > 99])
    assert data[[]].shape == (0, 8, 6, 3)
    assert sum(1 for _ in data) == 10
    assert data[3].shape == (8, 6, 3)
    for wrong in (10, -11, [10]):
        with pytest.raises(IndexError):
            data[wrong]
    for wrong in ([-1], [0.5], [[0]]):
        with pytest.raises(IndexError):
            data.read(wrong)


def test_split(bytes_: np.ndarray) -> None:
    data = pixelrnn.open(bytes_)
    rest = data.split(7)
    np.testing.assert_array_equal(data, bytes_[:7])
    np.testing.assert_array_equal(rest, bytes_[7:])
    with pytest.raises(ValueError, match="7"):
        data.split(7)


def test_seeds_are_those_of_the_library(bytes_: np.ndarray) -> None:
    data = pixelrnn.open(bytes_, levels=2, binarize_sample=True)
    first, last = data.read([0], seed=0), data.read([0], seed=2**64 - 1, epoch=2**64 - 1)
    assert (first != last).any()
    assert pixelrnn.Model(height=2, width=2, layers=1, hidden=1, head=1, kind="cnn", seed=2**64 - 1)
    for wrong in (-1, 2**64):
        with pytest.raises(ValueError, match="out of range"):
            data.read([0], seed=wrong)
    with pytest.raises(TypeError, match=r"background: 1\.5 is not an integer"):
        pixelrnn.open(bytes_, background=(1.5, 2, 3))


def test_folder(bytes_: np.ndarray, tmp_path: pathlib.Path, caplog: Any) -> None:
    for i, image in enumerate(bytes_):
        pixelrnn.Images(image, 256).save(tmp_path / f"{i}.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with caplog.at_level(logging.WARNING, "pixelrnn"):
        data = pixelrnn.open(tmp_path)
    np.testing.assert_array_equal(data, bytes_)
    assert data.skipped == 1
    assert "broken.png" in caplog.text
    assert data.name(2) == str(tmp_path / "2.png")


def test_binarize(bytes_: np.ndarray) -> None:
    data = pixelrnn.open(bytes_, levels=2, binarize_sample=True)
    indices = range(10)
    assert (data.read(indices, epoch=1) != data.read(indices, epoch=2)).any()
    np.testing.assert_array_equal(data.read(indices, seed=3), data.read(indices, seed=3))


def test_pickle(bytes_: np.ndarray) -> None:
    split = pixelrnn.open(DATA, levels=2, limit=9)
    for data in (pixelrnn.open(DATA, levels=2, limit=4), pixelrnn.open(bytes_, levels=4, channels=1), split.split(5), split):
        again = pickle.loads(pickle.dumps(data))
        np.testing.assert_array_equal(again, data)
        assert again.levels == data.levels
    with pytest.raises(TypeError, match="draws"):
        pickle.dumps(pixelrnn.open(bytes_, levels=2, binarize_sample=True))


def test_mask(tmp_path: pathlib.Path) -> None:
    mask = np.arange(56).reshape(8, 7) % 3 == 0
    np.save(tmp_path / "mask.npy", mask)
    np.testing.assert_array_equal(pixelrnn.read_mask(tmp_path / "mask.npy", (8, 7)), mask)
    for wrong in ((7, 8), (0, 7), (-1, 5), (10**6, 10**6)):
        with pytest.raises(ValueError, match=r"7|size"):
            pixelrnn.read_mask(tmp_path / "mask.npy", wrong)
