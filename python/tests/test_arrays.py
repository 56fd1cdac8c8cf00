"""Arrays of every kind: the same numbers, or an exception."""
from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import pixelrnn
from pixelrnn._arrays import levels_of


@pytest.mark.parametrize("kind", ["u1", "<u2", ">u2", "i1", ">i4", "<i8", "u8", "f2", ">f4", "f8", "g", "?"])
def test_number_types(tiny: pixelrnn.Model, images: np.ndarray, kind: str) -> None:
    np.testing.assert_array_equal(tiny.nll(images.astype(kind)), tiny.nll(images))


def test_layouts(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    expected = tiny.nll(images)
    spread = np.zeros((12, 12, 14, 2), np.uint8)
    spread[::2, ::2, ::2, ::2] = images
    frozen = images.copy()
    frozen.flags.writeable = False
    for same in (np.asfortranarray(images), spread[::2, ::2, ::2, ::2], frozen, images[::-1][::-1], images[..., 0],
                 images.tolist(), list(images[..., 0]), memoryview(images), np.ma.MaskedArray(images)):
        np.testing.assert_array_equal(tiny.nll(same), expected)
    assert tiny.nll(images[:0]).shape == (0,)
    assert tiny.nll(images[0]) == expected[:1]
    assert tiny.nll(images[0, ..., 0]) == expected[:1]


def test_no_copy() -> None:
    for shape in ((3, 6, 7, 1), (3, 6, 7)):
        array = np.zeros(shape, np.uint8)
        assert np.shares_memory(levels_of(array, (6, 7, 1)), array)


class Packed:
    """Has DLPack and nothing else."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


@pytest.mark.skipif(not hasattr(np, "from_dlpack"), reason="numpy before 1.22")
def test_dlpack(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    np.testing.assert_array_equal(tiny.nll(Packed(images)), tiny.nll(images))


def test_pictures(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    image = pytest.importorskip("PIL.Image").fromarray(images[0, ..., 0])
    assert tiny.nll(image) == tiny.nll(images[:1])
    np.testing.assert_array_equal(tiny.nll([image, image]), tiny.nll(images[[0, 0]]))


@pytest.mark.parametrize(("wrong", "why"), [
    (np.zeros((2, 6, 7, 3), np.uint8), r"none of images \(n, 6, 7, 1\)"),
    (np.zeros((2, 1, 6, 7), np.uint8), "permute"),
    (np.zeros((2, 7, 6, 1), np.uint8), "resize"),
    (np.zeros(42, np.uint8), "none of images"),
    (np.zeros((), np.uint8), "none of images"),
    (np.full((1, 6, 7, 1), 2, np.uint8), "level"),
    (np.full((1, 6, 7, 1), 256), "256 is no level"),
    (np.full((1, 6, 7, 1), -1), "-1 is no level"),
    (np.full((1, 6, 7, 1), 0.5), "0.5 is no level"),
    (np.full((1, 6, 7, 1), np.nan), "nan is no level"),
    (np.full((1, 6, 7, 1), np.inf), "inf is no level"),
    (np.zeros((1, 6, 7, 1), complex), "complex128 has no levels"),
    (np.zeros((1, 6, 7, 1), object), "object has no levels"),
    (np.zeros((1, 6, 7, 1), "U1"), "has no levels"),
    (np.zeros((1, 6, 7, 1), "M8[s]"), "has no levels"),
    (np.ma.MaskedArray(np.zeros((1, 6, 7, 1)), mask=True), "masked"),
    ("images.npy", r"none of images.*pixelrnn.open\('images.npy'"), (pathlib.Path("i"), "pixelrnn.open"),
    (None, "none of images"),
    ([[1], [2, 3]], "inhomogeneous|setting an array|none of images"),
])
def test_what_is_refused(tiny: pixelrnn.Model, wrong: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tiny.nll(wrong)


def test_masks(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    known = np.zeros((6, 7), bool)
    known[:3] = True
    expected = tiny.complete(images, known)
    np.testing.assert_array_equal(expected[:, 0, :3], images[:, :3])
    for same in (known.astype(int), known * np.uint16(256), np.asfortranarray(known), known.tolist()):
        np.testing.assert_array_equal(tiny.complete(images, same), expected)
    for wrong in (known.astype(float), known[:5], known[None], "mask.png", None):
        with pytest.raises(ValueError, match="a mask is an array"):
            tiny.complete(images, wrong)
    with pytest.raises(ValueError, match="read_mask"):
        tiny.complete(images, "mask.png")


def test_numbers_that_are_none(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    for wrong in (-1, 2**63, 2**70):
        with pytest.raises(ValueError, match="out of range"):
            tiny.sample(wrong)
    with pytest.raises(MemoryError):
        tiny.sample(2**60)
    with pytest.raises(TypeError, match="not an integer"):
        tiny.sample(2.0)
    with pytest.raises(ValueError, match="temperature"):
        tiny.sample(1, temperature=0)
    with pytest.raises(TypeError):
        tiny.nll(images, callback=3)
    assert tiny.sample(np.int32(2), seed=np.uint64(2**64 - 1)).shape == (2, 6, 7, 1)


shapes = st.sampled_from([(2, 6, 7, 1), (6, 7, 1), (2, 6, 7), (6, 7), (0, 6, 7, 1), (1, 6, 7, 2), (7, 6), (0,), ()])
kinds = st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes(),
                  hnp.array_dtypes(max_size=2))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_array(data: Any) -> None:
    """An array is taken for what it is, or refused by an exception."""
    model = test_any_array.__dict__.setdefault("model", pixelrnn.Model(height=6, width=7, levels=2, layers=1, hidden=1,
                                                                       head=1, kind="cnn"))
    array = data.draw(hnp.arrays(kinds, shapes))
    if data.draw(st.booleans()):
        array = array[..., ::-1] if array.ndim else array
    try:
        with np.errstate(all="ignore"):
            nats = model.nll(array)
    except (ValueError, TypeError):
        return
    whole = np.asarray(array).reshape(-1, 6, 7, 1).astype(np.uint8)
    np.testing.assert_array_equal(nats, model.nll(whole))
    assert (whole == np.asarray(array).reshape(whole.shape)).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=42, max_size=42), st.sampled_from("?bBhHiIqQfd"))
def test_levels_are_exact(values: list[int], kind: str) -> None:
    array = np.array(values, kind).reshape(6, 7)
    np.testing.assert_array_equal(levels_of(array, (6, 7, 1))[0, ..., 0], np.array(values).reshape(6, 7))
