"""What chains and ensembles have in common: several models that the library takes as one thing."""
from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ._context import Context, Handle
from ._data import Path
from ._errors import ArgumentError
from ._model import Model, load


class Group:
    """Models, those of files loaded, and the library's pointer to what `create` makes of them, which `free` frees before
    they are. what: "a chain"; order: in which order the list has them, for messages."""

    def __init__(self, what: str, order: str, models: Sequence[Model | Path], context: Context | None, create: Any,
                 free: Callable[[int], None]) -> None:
        if isinstance(models, (str, bytes, Model)):
            raise TypeError(f"models: give a list of models{order}")
        self.models = tuple(model if isinstance(model, Model) else load(model, context=context) for model in models)
        if not self.models:
            raise ArgumentError(f"models: {what} has at least one")
        self.context = context or self.models[0].context
        pointers = (ctypes.c_void_p * len(self.models))(*[model._pointer for model in self.models])
        pointer = ctypes.c_void_p()
        with self._guard():
            self.context.call(create, pointers, len(self.models), ctypes.byref(pointer))
        assert pointer.value
        self._pointer = pointer.value
        self._handle = Handle(pointer.value, free)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for model in self.models:
                stack.enter_context(model._guard)
            yield

    def __repr__(self) -> str:
        return f"pixelrnn.{type(self).__name__}([{', '.join(map(repr, self.models))}])"

    def __reduce__(self) -> tuple[Any, ...]:
        return _group_of, (type(self), self.models, self.context)


def _group_of(kind: Any, models: tuple[Model, ...], context: Context) -> Any:
    return kind(models, context=context)
