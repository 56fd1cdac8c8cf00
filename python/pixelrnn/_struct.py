"""What all structs of the library have in common."""
from __future__ import annotations

import ctypes
import functools
import operator
import os
from typing import Any, ClassVar, TypeVar

_Picked = TypeVar("_Picked", bound="tuple[Any, ...]")
_INTEGERS = (ctypes.c_int, ctypes.c_uint8, ctypes.c_uint64, ctypes.c_size_t)


class Struct(ctypes.Structure):
    """A struct that begins as its PRNN_..._INIT says.

    Struct(name=value, ...) sets fields by name. None leaves a field as it is, a word stands for its enumerator, and a
    number that the field cannot hold is a ValueError.
    """

    init: ClassVar[tuple[Any, ...]] = ()
    enums: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, *values: Any, **given: Any) -> None:
        super().__init__(*values)      # ctypes passes those of a struct within a struct
        if self.init:
            self.size = ctypes.sizeof(self)
            for (name, *_), value in zip(self._fields_[1:], self.init):
                if value is not None:
                    setattr(self, name, value)
        for name, value in given.items():
            if value is not None:
                self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """Sets a field, and refuses what it cannot hold."""
        kind = _types(type(self)).get(name)
        if kind is None:
            raise TypeError(f"{name} is no field of {type(self).__name__}")
        if name in self.enums:
            value = enumerator(name, self.enums[name], value)
        elif kind in _INTEGERS:
            value = integer(name, value)
        elif kind is ctypes.c_bool:
            value = bool(value)
        elif kind is ctypes.c_double:
            value = float(value)
        setattr(self, name, value)
        if kind in _INTEGERS and getattr(self, name) != value:
            raise ValueError(f"{name}: {value} is out of range")

    def words(self) -> dict[str, Any]:
        """All fields but the size, enumerators as words, text as str."""
        return {field[0]: self.word(field[0]) for field in self._fields_ if field[0] != "size"}

    def word(self, name: str) -> Any:
        value = getattr(self, name)
        if name in self.enums:
            return self.enums[name][value]
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def pick(self, kind: type[_Picked]) -> _Picked:
        """A named tuple of the fields that it names."""
        return kind(*[self.word(name) for name in kind._fields])  # type: ignore[attr-defined]


@functools.lru_cache(None)
def _types(struct: type[Struct]) -> dict[str, Any]:
    return {field[0]: field[1] for field in struct._fields_}


def text_of(value: str | bytes | os.PathLike[str]) -> bytes:
    """A path, or another text, for the library."""
    text = os.fsencode(value)
    if b"\0" in text:
        raise ValueError(f"{value!r}: embedded null character")
    return text


def enumerator(name: str, words: tuple[str, ...], value: Any) -> int:
    """The number of a word."""
    if value not in words:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(words)}")
    return words.index(value)


def int_that_fits(name: str, value: Any) -> int:
    """An argument of type int."""
    number = integer(name, value)
    if ctypes.c_int(number).value != number:
        raise ValueError(f"{name}: {number} is out of range")
    return number


def integer(name: str, value: Any) -> int:
    try:
        number: int = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {value!r} is not an integer") from None
    return number
