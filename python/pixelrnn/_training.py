"""Training: the library's loop, and one of the user's own."""
from __future__ import annotations

import contextlib
import csv
import ctypes
import os
import pathlib
import sys
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _header
from ._arrays import levels_of
from ._context import Callback, Progress, Watch, progress_of
from ._data import Data, Path, open
from ._errors import DivergedError, StoppedError
from ._library import library
from ._struct import text_of

if TYPE_CHECKING:
    from ._ensemble import Ensemble
    from ._model import Model


class History(NamedTuple):
    """How a training went."""

    steps: int                  # updates of the weights
    stopped: bool               # the callback said so
    train_nats: float           # mean NLL of the last batches, nats per image
    valid_nats: float           # of the last validation; NaN without one
    best_nats: float            # lowest validation, which the model has the weights of; NaN without one
    log: dict[str, npt.NDArray[np.float64]]     # the columns of metrics.csv; NaN where a cell is empty


def data_for(model: Model, source: Any) -> Data:
    """A data set for the model: itself, or a file or folder with the model's size and levels, or an array of levels."""
    height, width, channels = model.shape
    if isinstance(source, Data):
        return source
    if isinstance(source, (str, bytes, os.PathLike)):
        return open(source, size=(height, width), channels=channels, levels=model.levels, palette=model.palette,
                    context=model.context)
    return open(levels_of(source, model.shape), levels=model.levels, values="levels", palette=model.palette,
                context=model.context)


def teacher_in(model: Model, options: dict[str, Any]) -> Ensemble | None:
    """The models that teach, of a Model, a file or folder, an Ensemble, or a list of models and files."""
    from ._ensemble import Ensemble  # which knows models, as they know trainings
    teacher = options.get("teacher")
    if teacher is None or isinstance(teacher, Ensemble):
        return teacher
    alone = isinstance(teacher, (str, bytes, os.PathLike)) or not hasattr(teacher, "__iter__")
    return Ensemble([teacher] if alone else list(teacher), context=model.context)


def _guard_of(teacher: Ensemble | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext() if teacher is None else teacher._guard()


def options_of(watch: Watch, out: Path, given: dict[str, Any], teacher: Ensemble | None) -> Any:
    """The library's options; what is absent or None is as it has it."""
    given = {**given, "teacher": None if teacher is None else teacher._pointer}
    if "lr" in given:
        given["learning_rate"] = given.pop("lr")
    return _header.TrainOptions(out=text_of(out), progress=watch.function, **given)


def fit(model: Model, train: Any, valid: Any, out: Path | None, callback: Callback | None, progress: bool | None,
        options: dict[str, Any]) -> History:
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: {callback!r} cannot be called")
    train, valid = data_for(model, train), None if valid is None else data_for(model, valid)
    bar = _bar_of(progress)
    try:
        if out is not None:
            return _fit_in(out, model, train, valid, callback, bar, options)
        with tempfile.TemporaryDirectory() as folder:
            try:
                return _fit_in(folder, model, train, valid, callback, bar, options)
            except DivergedError as error:      # its sentence names a checkpoint that goes with the folder
                reason = str(error).partition(";")[0]
                raise DivergedError(f"{reason}; the model has the last good weights: train on with a lower learning rate "
                                    f"or a clipped gradient (clip)") from None
    finally:
        if bar is not None:
            bar.close()


def _fit_in(out: Path, model: Model, train: Data, valid: Data | None, callback: Callback | None, bar: _Bar | None,
            options: dict[str, Any]) -> History:
    last: list[Progress] = []

    def hear(report: Progress) -> bool | None:
        if report.phase == "train":
            last[:] = [report]
            if bar is not None:
                bar.show(report)
        return None if callback is None else callback(report)

    watch, folder, teacher = Watch(hear), pathlib.Path(os.fsdecode(out)), teacher_in(model, options)
    given = options_of(watch, out, options, teacher)
    with model._guard.alone(), train._guard, valid._guard if valid else contextlib.nullcontext(), _guard_of(teacher):
        try:
            model.context.watched(library.prnn_train, model._pointer, train._handle.pointer,
                                  valid._handle.pointer if valid else None, given, watch=watch)
        except StoppedError:
            pass    # the callback said so
        except DivergedError:
            _keep(model, folder, valid)
            raise
        finally:
            if watch.stopped:
                _keep(model, folder, valid)
    return _history(last, watch.stopped, folder / "metrics.csv")


def _keep(model: Model, out: pathlib.Path, valid: Data | None) -> None:
    """A training that ended before its first validation left weights in its checkpoint alone; without validation, that has
    the last ones."""
    best = valid is not None and (out / "model.safetensors").exists()
    if not best and (out / "checkpoint.safetensors").exists():
        model._take(out / "checkpoint.safetensors")


def _history(last: list[Progress], stopped: bool, path: pathlib.Path) -> History:
    nan = float("nan")
    report = last[0] if last else Progress("train", 0, 1, 0, 0, 0, 0, nan, nan, nan, 0, 0, 0)
    return History(report.done, stopped, report.train_nats, report.valid_nats, report.best_nats, _log_of(path))


def _log_of(path: pathlib.Path) -> dict[str, npt.NDArray[np.float64]]:
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    return {name: np.array([float(row[i] or "nan") for row in rows]) for i, name in enumerate(names)}


# ------------------------------------------------------------------------------------ progress bar


class _Bar:
    def __init__(self, tqdm: Any) -> None:
        self._tqdm, self._bar = tqdm, None

    def show(self, report: Progress) -> None:
        if self._bar is None:
            self._bar = self._tqdm(total=report.total, initial=report.done, unit="step")
            return
        nats = {name: f"{value:.4f}" for name, value in (("train", report.train_nats), ("valid", report.valid_nats))
                if value == value}
        self._bar.set_postfix(nats, refresh=False)
        self._bar.update(report.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _bar_of(progress: bool | None) -> _Bar | None:
    """True: a bar if tqdm is there. None: the same where somebody sees it, on a terminal or in a notebook."""
    if progress is None:
        progress = (sys.stderr is not None and sys.stderr.isatty()) or "ipykernel" in sys.modules
    if not progress:
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return _Bar(tqdm)


# ----------------------------------------------------------------------------------- step by step


class Trainer:
    """A training under way, for a loop of one's own; model.trainer(...) makes one. Ends with the bits of model.fit.

        trainer = model.trainer(train, valid, out="run", epochs=2)
        while (nats := trainer.step()) is not None:
            ...
    """

    def __init__(self, model: Model, train: Any, valid: Any, out: Path, options: dict[str, Any]) -> None:
        self._model, self._context = model, model.context.here()
        self._train, self._valid = data_for(model, train), None if valid is None else data_for(model, valid)
        self._teacher = teacher_in(model, options)
        pointer = ctypes.c_void_p()
        given = options_of(Watch(), out, options, self._teacher)
        with model._guard.alone(), _guard_of(self._teacher):
            self._context.call(library.prnn_trainer_create, model._pointer, self._train._handle.pointer,
                               self._valid._handle.pointer if self._valid else None, given, ctypes.byref(pointer))
        assert pointer.value
        self._handle = self._context.owned(pointer.value, library.prnn_trainer_free,
                                           (model, self._train, self._valid, self._teacher))

    def _call(self, function: Any, *arguments: Any) -> None:
        watch = Watch()
        with self._model._guard.alone(), _guard_of(self._teacher), watch:
            self._context.call(function, self._handle.pointer, *arguments)
            watch.explain()

    def step(self) -> float | None:
        """One update of the weights, and what is due after it; returns the mean NLL of the batch in nats before it, or None
        when all steps are done."""
        nats, done = ctypes.c_double(), ctypes.c_bool()
        self._call(library.prnn_trainer_step, ctypes.byref(nats), ctypes.byref(done))
        return None if done and nats.value != nats.value else nats.value

    def validate(self) -> float:
        """Mean NLL of the validation images in nats; the model gets the best weights so far."""
        nats = ctypes.c_double()
        self._call(library.prnn_trainer_validate, ctypes.byref(nats))
        return nats.value

    def save(self) -> None:
        """Writes checkpoint.safetensors and model.safetensors; the model has the same weights."""
        self._call(library.prnn_trainer_save)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        report = _header.Progress()
        library.prnn_trainer_progress(self._handle.pointer, report)
        return progress_of(report)
