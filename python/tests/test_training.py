"""Training: the bits of the program's, and no image lost by whoever stops it."""
from __future__ import annotations

import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import pixelrnn
from conftest import SOURCE

DATA = SOURCE / "data" / "mnist-binarized" / "train-images-idx3-ubyte.gz"
NETWORK = {"kind": "cnn", "layers": 1, "hidden": 4, "head": 4, "levels": 2}


@pytest.fixture
def model() -> pixelrnn.Model:
    return pixelrnn.Model(**NETWORK)


@pytest.fixture(scope="module")
def train() -> pixelrnn.Data:
    return pixelrnn.open(DATA, levels=2, limit=160)


@pytest.fixture(scope="module")
def valid() -> pixelrnn.Data:
    return pixelrnn.open(DATA, levels=2, first=160, limit=40)


def weights(model: pixelrnn.Model) -> np.ndarray:
    return np.concatenate([values.ravel() for values in model.state_dict().values()])


def test_program(program: Any, tmp_path: pathlib.Path, model: pixelrnn.Model, train: pixelrnn.Data,
                 valid: pixelrnn.Data) -> None:
    np.save(tmp_path / "images.npy", np.concatenate([train[:], valid[:]]) * 255)
    program("train", "--data", tmp_path / "images.npy", "--valid-last", 40, "--kind", "cnn", "--layers", 1, "--hidden", 4,
            "--head", 4, "--levels", 2, "--optimizer", "adam", "--lr", "3e-3", "--epochs", 2, "--batch", 8, "--ema", 0.9,
            "--schedule", "cosine", "--seed", 5, "--out", tmp_path / "run")
    model.load_state_dict(pixelrnn.Model(**NETWORK, seed=5).state_dict())
    history = model.fit(train, valid, optimizer="adam", lr=3e-3, epochs=2, batch=8, ema=0.9, schedule="cosine", seed=5,
                        out=tmp_path / "here")
    np.testing.assert_array_equal(weights(model), weights(pixelrnn.load(tmp_path / "run")))
    np.testing.assert_array_equal(weights(model), weights(pixelrnn.load(tmp_path / "here")))
    assert history.steps == 40
    assert not history.stopped
    assert history.best_nats == pytest.approx(np.nanmin(history.log["valid_nats"]), rel=1e-6)
    assert model.nll(valid).mean() == pytest.approx(history.best_nats, rel=1e-12)


def test_sources(model: pixelrnn.Model, train: pixelrnn.Data, tmp_path: pathlib.Path) -> None:
    """A data set, an array of levels, a file: the same images, the same weights."""
    images = np.asarray(train)
    np.save(tmp_path / "images.npy", images * 255)
    results = []
    for source in (train, images, images.astype(float), tmp_path / "images.npy"):
        model = pixelrnn.Model(**NETWORK)
        model.fit(source, steps=3)
        results.append(weights(model))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    with pytest.raises(ValueError, match="none of images"):
        model.fit(images[:, :20])


def test_callback_stops_and_the_model_keeps(model: pixelrnn.Model, train: pixelrnn.Data, valid: pixelrnn.Data) -> None:
    before, reports = weights(model), []

    def stop(report: pixelrnn.Progress) -> bool:
        reports.append(report)
        assert report.phase in ("train", "validate")
        model.sample(1)         # may be read meanwhile, but not changed
        with pytest.raises(pixelrnn.Error, match="in use"):
            model.fit(train, steps=1)
        return report.done < 4

    history = model.fit(train, valid, epochs=1, callback=stop)
    assert history.stopped
    assert history.steps == 4
    assert [report.done for report in reports] == [0, 1, 2, 3, 4]
    assert (weights(model) != before).any()
    other = pixelrnn.Model(**NETWORK)
    other.fit(train, steps=4)
    np.testing.assert_array_equal(weights(model), weights(other))
    assert model.fit(train, steps=4, callback=lambda report: np.float64(report.done) < 2).steps == 2
    assert model.fit(train, steps=4, callback=lambda report: None).steps == 4


def test_callback_begins_nothing_that_lasts(model: pixelrnn.Model, train: pixelrnn.Data, tmp_path: pathlib.Path) -> None:
    """What reads the model for longer than the callback would find it changed."""
    def begin(report: pixelrnn.Progress) -> None:
        with pytest.raises(pixelrnn.Error, match="being changed"):
            model.steps(1)
        with pytest.raises(pixelrnn.Error, match="being changed"):
            pixelrnn.ArchiveWriter(tmp_path / "a.prnn", model)

    model.fit(train, steps=2, callback=begin)
    model.fit(train, steps=1)       # nothing is left that reads
    steps = model.steps(1)
    with pytest.raises(pixelrnn.Error, match="in use"):
        model.fit(train, steps=1)
    steps.close()


def test_stopped_without_validation_keeps_the_last(model: pixelrnn.Model, train: pixelrnn.Data) -> None:
    """Also if a checkpoint was written before."""
    def stop(report: pixelrnn.Progress) -> bool:
        if report.done == 2:
            time.sleep(0.4)
        return report.done < 7

    other = pixelrnn.Model(**NETWORK)
    for trained, often in ((model, 0.3), (other, 1e9)):
        history = trained.fit(train, epochs=9, checkpoint_every=often, callback=stop)
        assert (history.steps, history.stopped) == (7, True)
    np.testing.assert_array_equal(weights(model), weights(other))


def test_callback_raises(model: pixelrnn.Model, train: pixelrnn.Data) -> None:
    def fail(report: pixelrnn.Progress) -> None:
        raise ZeroDivisionError("of the callback")

    with pytest.raises(ZeroDivisionError, match="of the callback"):
        model.fit(train, steps=3, callback=fail)
    with pytest.raises(ZeroDivisionError):
        model.nll(train, callback=fail)
    with pytest.raises(pixelrnn.StoppedError):
        model.nll(train, callback=lambda report: False)
    with pytest.raises(TypeError, match="cannot be called"):
        model.fit(train, callback=7)
    model.fit(train, steps=1)


def test_resume(train: pixelrnn.Data, valid: pixelrnn.Data, tmp_path: pathlib.Path) -> None:
    whole, parts = pixelrnn.Model(**NETWORK), pixelrnn.Model(**NETWORK)
    whole.fit(train, valid, steps=8)
    parts.fit(train, valid, steps=8, out=tmp_path, callback=lambda report: report.done < 3)
    with pytest.raises(pixelrnn.Error, match="resume"):
        parts.fit(train, valid, steps=8, out=tmp_path)
    parts.fit(train, valid, steps=8, out=tmp_path, resume=True)
    np.testing.assert_array_equal(weights(parts), weights(whole))


def test_own_loop(model: pixelrnn.Model, train: pixelrnn.Data, valid: pixelrnn.Data, tmp_path: pathlib.Path) -> None:
    trainer, losses = model.trainer(train, valid, out=tmp_path / "run", steps=5), []
    assert trainer.progress.total == 5
    while (nats := trainer.step()) is not None:
        losses.append(nats)
        model.sample(1)
    assert len(losses) == trainer.progress.done == 5
    assert trainer.validate() == pytest.approx(model.nll(valid).mean(), rel=1e-12)
    trainer.save()
    other = pixelrnn.Model(**NETWORK)
    other.fit(train, valid, steps=5)
    np.testing.assert_array_equal(weights(model), weights(other))
    for wrong in (lambda: model.trainer(train, out=tmp_path / "other", momentum=1), lambda: model.fit(train, momentum=1)):
        with pytest.raises(TypeError, match="momentum is no field"):
            wrong()


def test_diverged(train: pixelrnn.Data, valid: pixelrnn.Data, tmp_path: pathlib.Path) -> None:
    """Whatever diverges first, a step or a validation, and wherever it is kept: the model has the last good weights."""
    for validation, out in ((None, None), (valid, None), (valid, tmp_path)):
        model = pixelrnn.Model(**NETWORK)
        with pytest.raises(pixelrnn.DivergedError) as raised:
            model.fit(train, validation, optimizer="sgd", lr=1e6, steps=50, valid_every=1, out=out)
        assert ("the model has the last good weights" in str(raised.value)) == (out is None)
        assert ("checkpoint" in str(raised.value)) == (out is not None)
        assert np.isfinite(model.nll(train)).all()
    np.testing.assert_array_equal(weights(model), weights(pixelrnn.load(tmp_path / "checkpoint.safetensors")))


SCRIPT = """
import sys, numpy as np, pixelrnn
model = pixelrnn.Model(kind="cnn", layers=1, hidden=4, head=4, levels=2)
train = pixelrnn.open(sys.argv[1], levels=2, limit=160)
before = model.nll(train).mean()
def tell(report):
    if report.done == 3:
        print("running", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", model.nll(train).mean() < before)
"""


@pytest.mark.parametrize(("call", "better"), [
    ("model.fit(train, train, epochs=1e6, valid_every=10**6, callback=tell)", True),
    ("print('running', flush=True); model.fit(train, epochs=1e6)", True),
    ("print('running', flush=True); model.sample(10**6)", False),
    ("print('running', flush=True); model.nll(np.zeros((10**6, 28, 28, 1), np.uint8))", False),
])
def test_ctrl_c(call: str, better: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", SCRIPT.format(call=call), str(DATA)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "running\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert out == f"interrupted {better}\n"
    assert err == ""


def test_progress_bar(model: pixelrnn.Model, train: pixelrnn.Data, capsys: Any) -> None:
    pytest.importorskip("tqdm")
    model.fit(train, steps=3, progress=True)
    assert "3/3" in capsys.readouterr().err
    model.fit(train, steps=3)
    assert capsys.readouterr().err == ""
