"""scikit-learn's own checks, and what a user does."""
from __future__ import annotations

import pathlib
import pickle

import numpy as np
import pytest

import pixelrnn

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from pixelrnn.sklearn import DensityModel

TINY = DensityModel("cnn", layers=1, hidden=1, head=2, steps=3, random_state=0, threads=1)


@parametrize_with_checks([TINY])
def test_checks(estimator: DensityModel, check: object) -> None:
    """None is expected to fail: X may hold rows, whose shape is guessed, and its tags say that they are whole numbers."""
    try:
        check(estimator)  # type: ignore[operator]
    except TypeError as error:
        if "Cannot cast ufunc 'subtract'" not in str(error):
            raise
        pytest.skip("this scikit-learn subtracts a mean from whole numbers before it asks")


@pytest.fixture
def X() -> np.ndarray:
    return np.asarray(pixelrnn.Model(height=4, width=5, levels=2, layers=1, hidden=1, head=1, kind="cnn").sample(30))


def test_use(X: np.ndarray, tmp_path: pathlib.Path) -> None:
    rows = X.reshape(30, -1)
    model = DensityModel("cnn", layers=1, hidden=2, head=2, levels=2, shape=(4, 5), steps=20, random_state=3)
    assert model.fit(rows) is model
    assert model.n_features_in_ == 20
    np.testing.assert_array_equal(model.score_samples(rows), -model.model_.nll(X))
    for same in (X, X[..., 0]):
        np.testing.assert_array_equal(model.score_samples(same), model.score_samples(rows))
    assert model.score(rows) == model.score_samples(rows).mean() > -20 * np.log(2)
    drawn = model.sample(3, random_state=1)
    assert drawn.shape == (3, 4, 5, 1)
    np.testing.assert_array_equal(drawn, model.sample(3, random_state=1))
    assert (model.sample(30) != model.sample(30)).any()
    again = clone(model).fit(X)
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).score_samples(X), model.score_samples(X))


def test_search(X: np.ndarray) -> None:
    search = GridSearchCV(DensityModel("cnn", layers=1, head=2, levels=2, steps=5, random_state=0), {"hidden": [1, 2]}, cv=2)
    search.fit(X)
    assert search.best_params_["hidden"] in (1, 2)


def test_validation(X: np.ndarray) -> None:
    model = DensityModel("cnn", layers=1, hidden=1, head=1, levels=2, epochs=2, valid_fraction=0.2).fit(X)
    assert model.history_.best_nats == pytest.approx(-model.score(X[24:]), rel=1e-6)


def test_refuses(X: np.ndarray) -> None:
    for options, wrong, why in (({"shape": (3, 3)}, X.reshape(30, -1), "no images of shape"),
                                ({"valid_fraction": 1.0}, X, "leaves none"), ({}, X / 2, "no level"),
                                ({"levels": 2}, X * 3, "level"), ({}, X[0, 0, 0], "Expected 2D array")):
        with pytest.raises(ValueError, match=why):
            DensityModel("cnn", steps=1, layers=1, hidden=1, head=1, **options).fit(wrong)
