"""What a model file says of itself, as a mapping of texts."""
from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from ._library import library

if TYPE_CHECKING:
    from ._model import Model


class Metadata(MutableMapping[str, str]):
    """Texts under keys that model files keep beside the network, in the order in which they were first set.

    Training notes here where a model comes from (docs/formats.md says under which keys); other keys are the user's.
    save() writes them. The library refuses what files have no room for, and keys that are the file's.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, key: str) -> str:
        if not isinstance(key, str) or "\0" in key:
            raise KeyError(key)
        with self._model._guard:
            value = library.prnn_model_metadata(self._model._pointer, key.encode(errors="surrogatepass"))
        if value is None:
            raise KeyError(key)
        return str(value.decode())

    def __setitem__(self, key: str, value: str) -> None:
        self._set(_text("a key", key), _text(f"the value of {key!r}", value))

    def __delitem__(self, key: str) -> None:
        self[key]
        self._set(key.encode(), None)

    def _set(self, key: bytes, value: bytes | None) -> None:
        with self._model._guard.alone():
            self._model.context.call(library.prnn_model_set_metadata, self._model._pointer, key, value)

    def __len__(self) -> int:
        return int(library.prnn_model_metadata_count(self._model._pointer))

    def __iter__(self) -> Iterator[str]:
        with self._model._guard:
            keys = [library.prnn_model_metadata_key(self._model._pointer, i).decode() for i in range(len(self))]
        return iter(keys)

    def __repr__(self) -> str:
        return repr(dict(self))


def _text(what: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"{what}: metadata are texts, not {value!r}")
    if "\0" in value:
        raise ValueError(f"{what}: embedded null character")
    return value.encode()
