"""Images value by value."""
from __future__ import annotations

import numpy as np
import pytest

import pixelrnn
from conftest import golden


def test_draws_what_sample_draws(tiny: pixelrnn.Model) -> None:
    steps, values = tiny.steps(5, seed=3), []
    for levels in steps:
        assert levels.shape == (5,)
        values.append(levels)
    np.testing.assert_array_equal(np.stack(values, 1).reshape(5, 6, 7, 1), tiny.sample(5, seed=3))
    np.testing.assert_array_equal(steps.images, tiny.sample(5, seed=3))
    assert steps.position is None


@pytest.mark.parametrize("name", ["diagonal_rgb", "row_conditional"])
def test_tells_what_the_model_expects(name: str) -> None:
    model, expect = golden(name)
    images = expect["v"]
    steps = model.steps(len(images), small=expect.get("small"))
    logits, logs = model.logits(images), model.log_probs(images)
    while (at := steps.position) is not None:
        np.testing.assert_array_equal(steps.logits(), logits[:, at.row, at.column, at.channel])
        np.testing.assert_array_equal(steps.log_probs(), logs[:, at.row, at.column, at.channel])
        steps.put(images[:, at.row, at.column, at.channel])
    np.testing.assert_array_equal(steps.images, images)


def test_refuses(tiny: pixelrnn.Model) -> None:
    steps = tiny.steps(2)
    for wrong in ([0, 1, 0], [[0, 1]], [0, 2], [0, 0.5], [0, -1], 300):
        with pytest.raises(ValueError, match="level"):
            steps.put(wrong)
    assert steps.position == (0, 0, 0)
    steps.put(1)
    steps.put(np.array([0, 1]))
    assert steps.position == (0, 2, 0)
    with pytest.raises(ValueError, match=r"read-only|writeable"):
        steps.images[0] = 1
    for _ in steps:
        pass
    for done in (steps.draw, steps.logits, steps.log_probs, lambda: steps.put(0)):
        with pytest.raises(ValueError, match="values of the images are there"):
            done()
    with pytest.raises(ValueError, match="choose 1 to"):
        tiny.steps(0)
    with pytest.raises(ValueError, match="small"):
        golden("row_conditional")[0].steps(1)


def test_images_outlive_the_steps(tiny: pixelrnn.Model) -> None:
    images = tiny.steps(1000).images
    other = [tiny.steps(1000) for _ in range(3)]
    for steps in other:
        next(steps)
    assert images.sum() == 0


def test_the_model_cannot_change_meanwhile(tiny: pixelrnn.Model) -> None:
    weights = tiny.state_dict()
    steps = tiny.steps(1)
    with pytest.raises(pixelrnn.Error, match="in use"):
        tiny.load_state_dict(weights)
    steps.close()
    tiny.load_state_dict(weights)
    with pytest.raises(ValueError, match="closed"):
        steps.draw()
    steps = tiny.steps(1)
    list(steps)
    tiny.load_state_dict(weights)
    steps = tiny.steps(1)
    del steps
    tiny.load_state_dict(weights)
