"""Several threads and processes at once; nothing leaks."""
from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pathlib
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pixelrnn


def test_one_model_many_threads(tiny: pixelrnn.Model) -> None:
    def work(seed: int) -> tuple[Any, Any]:
        drawn = tiny.sample(4, seed=seed)
        return drawn, tiny.nll(drawn)

    expected = [work(seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for (drawn, nats), (same, again) in zip(pool.map(work, range(40)), expected):
            np.testing.assert_array_equal(drawn, same)
            np.testing.assert_array_equal(nats, again)


def test_reading_while_it_changes_is_refused(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    """Each call does its work or is refused; none sees a model that is half changed."""
    weights, other = tiny.state_dict(), {name: values / 2 for name, values in tiny.state_dict().items()}
    halved = pixelrnn.Model(**tiny.config)
    halved.load_state_dict(other)
    allowed = {tiny.nll(images).tobytes(), halved.nll(images).tobytes()}
    counts, end = {"read": 0, "changed": 0}, time.monotonic() + 1.5

    def read() -> None:
        while time.monotonic() < end:
            time.sleep(0.001)
            with contextlib.suppress(pixelrnn.Error):
                assert tiny.nll(images).tobytes() in allowed
                counts["read"] += 1

    def change() -> None:
        while time.monotonic() < end:
            for state in (other, weights):
                with contextlib.suppress(pixelrnn.Error):
                    tiny.load_state_dict(state)
                    counts["changed"] += 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(read), pool.submit(read), pool.submit(change)]:
            done.result()
    assert counts["read"]
    assert counts["changed"]


def test_training_beside_reading(tiny: pixelrnn.Model, images: np.ndarray) -> None:
    running, go_on = threading.Event(), threading.Event()

    def wait(report: pixelrnn.Progress) -> None:
        running.set()
        go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(lambda: tiny.fit(images, steps=1, callback=wait))
        assert running.wait(30)
        for call in (lambda: tiny.nll(images), lambda: tiny.fit(images, steps=1), lambda: tiny.steps(1)):
            with pytest.raises(pixelrnn.Error, match=r"changed|in use"):
                call()
        go_on.set()
        assert training.result().steps == 1
    tiny.nll(images)


def test_steps_belong_to_their_context(tiny: pixelrnn.Model) -> None:
    steps = tiny.steps(2, seed=1)
    thread = threading.Thread(target=lambda: list(steps))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(steps.images, tiny.sample(2, seed=1))


def test_steps_are_freed_where_they_belong(tiny: pixelrnn.Model) -> None:
    """Dropped by another thread while their context is at work, they wait until it is not."""
    context, freed = tiny.context.here(), []
    kept = [context.owned(number, freed.append, None) for number in (1, 2)]
    thread = threading.Thread(target=kept.pop)
    thread.start()
    thread.join()
    assert freed == []
    tiny.sample(1)
    assert freed == [2]
    kept.clear()
    assert freed == [2, 1]
    opened = []

    def begin() -> None:
        here = pixelrnn.Context(threads=1).here()
        opened.append(here.owned(3, freed.append, None))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    opened.clear()      # and its context with it
    assert freed == [2, 1, 3]


def _child(model: pixelrnn.Model, seed: int) -> Any:
    return np.asarray(model.sample(3, seed=seed))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(tiny: pixelrnn.Model, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    tiny.sample(64)     # the library's threads are there before the fork
    with multiprocessing.get_context(method).Pool(2) as pool:
        for seed, drawn in enumerate(pool.starmap(_child, [(tiny, seed) for seed in range(4)])):
            np.testing.assert_array_equal(drawn, tiny.sample(3, seed=seed))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork(tiny: pixelrnn.Model, tmp_path: pathlib.Path) -> None:
    """A child has none of the library's threads: it makes its own, and waits for no others when it ends."""
    tiny.save(tmp_path / "m.safetensors")
    model = pixelrnn.load(tmp_path / "m.safetensors", threads=3)
    expected = model.sample(200, seed=1)
    child = os.fork()
    if child == 0:
        signal.alarm(60)    # instead of waiting for ever
        same = np.array_equal(model.sample(200, seed=1), expected)
        del model
        gc.collect()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(model.sample(200, seed=1), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork_of_what_is_under_way(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    """It has the parent's context, whose threads the child has not."""
    tiny.save(tmp_path / "m.safetensors")
    model = pixelrnn.load(tmp_path / "m.safetensors", threads=3)
    steps, other = model.steps(500), pixelrnn.load(tmp_path / "m.safetensors", threads=3)
    writer = pixelrnn.ArchiveWriter(tmp_path / "a.prnn", model)
    trainer = other.trainer(images, out=tmp_path / "run", steps=9)
    writer.add(images)
    steps.draw()
    trainer.step()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        refused = 0
        for call in (steps.draw, writer.finish, trainer.step):
            with contextlib.suppress(pixelrnn.Error):
                call()
                continue
            refused += 1
        os._exit(0 if refused == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
    steps.draw()
    trainer.step()
    assert writer.finish().images == len(images)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork_does_not_keep_a_folder(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    """A child that was begun while a training ran does not hold its folder."""
    children: list[int] = []

    def stop(report: pixelrnn.Progress) -> bool:
        children.append(os.fork())
        if children[-1] == 0:
            signal.alarm(60)
            signal.pause()
            os._exit(0)
        return False

    assert tiny.fit(images, steps=3, out=tmp_path, callback=stop).stopped
    try:
        assert tiny.fit(images, steps=3, out=tmp_path, resume=True).steps == 3
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_contexts(tiny: pixelrnn.Model, images: np.ndarray, tmp_path: pathlib.Path) -> None:
    tiny.save(tmp_path / "m.safetensors")
    expected = tiny.nll(images)
    for settings in ({"threads": 1}, {"threads": 3}, {"device": "cpu"}, {"precision": "fp32"}):
        np.testing.assert_array_equal(pixelrnn.load(tmp_path / "m.safetensors", **settings).nll(images), expected)
    context = pixelrnn.Context(threads=2, cpu="generic")
    assert (context.cpu, context.device, context.precision, context.arithmetic) == ("generic", "cpu", "fp32", "fma32-1")
    np.testing.assert_array_equal(pixelrnn.load(tmp_path / "m.safetensors", context=context).nll(images), expected)
    assert pickle.loads(pickle.dumps(context)).settings == context.settings
    assert "threads=2, cpu='generic'" in repr(context)
    for wrong in ({"threads": -1}, {"threads": 2000}, {"threads": 2**40}, {"cpu": "z80"}, {"precision": "fp8"},
                  {"device": "moon"}):
        with pytest.raises(ValueError, match=next(iter(wrong))[:3] + "|z80|fp8|moon"):
            pixelrnn.Context(**wrong)
    with pytest.raises(ValueError, match="not both"):
        pixelrnn.load(tmp_path / "m.safetensors", context=context, threads=1)
    found = pixelrnn.devices()
    assert found[0].name == "cpu"
    for device in found:
        if device.why_not:
            with pytest.raises((pixelrnn.DeviceError, ValueError)):
                pixelrnn.Context(device=device.name)


def memory() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc")
@pytest.mark.parametrize("what", ["nll", "callback", "sample", "complete", "steps", "refused", "model", "data"])
def test_leaks(tiny: pixelrnn.Model, images: np.ndarray, what: str) -> None:
    """10,000 calls leave nothing behind. Without the garbage collector: nor do they make circles of references."""
    known = np.ones((6, 7), bool)
    small = pixelrnn.Model(height=2, width=2, layers=1, hidden=1, head=1, levels=2, kind="cnn", threads=1)
    context = small.context

    def refused() -> None:
        with pytest.raises(ValueError, match="level"):
            tiny.nll(np.full((1, 6, 7, 1), 2, np.uint8))

    call = {
        "nll": lambda: tiny.nll(images), "callback": lambda: tiny.nll(images, callback=lambda report: None),
        "sample": lambda: small.sample(1), "complete": lambda: tiny.complete(images[:1], known),
        "steps": lambda: next(small.steps(1)), "refused": refused,
        "model": lambda: pixelrnn.Model(**small.config, context=context),
        "data": lambda: pixelrnn.open(images, values="levels", context=context)[0],
    }[what]
    gc.disable()
    try:
        for _ in range(1000):
            call()
        before = memory()
        for _ in range(10000):
            call()
        assert memory() - before < 2**20
    finally:
        gc.enable()
