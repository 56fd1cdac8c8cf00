"""The certificate of a model file."""
from __future__ import annotations

from typing import NamedTuple

from . import _header
from ._context import Callback, Context, Watch, choose
from ._data import Path
from ._library import library
from ._struct import text_of


class Causality(NamedTuple):
    """Changes of images: each gave other levels to one value and to all after it."""

    changes: int
    kept: int           # conditionals at or before the change that were compared, and did not move by a bit
    leaks: int          # those that moved
    moved: int          # conditionals after the change that moved, as they may: the test can see something
    leak_of: int        # of the first leak: the number of the value whose conditional moved,
    leak_from: int      # and of the first changed one


class Certificate(NamedTuple):
    """What check() found; true if all is well."""

    passed: bool
    agrees: bool        # `difference` is small enough
    normalised: bool    # `worst_sum` is small enough
    height: int
    width: int
    channels: int
    levels: int
    unmasked: int       # weights that the masks let through
    masked: int         # and the others
    nonzero: int        # of the masked ones
    nonzero_name: str   # the first of them
    kernels: Causality  # with the kernels of the context
    plain: Causality    # one weight after the other, in double precision, without masks
    difference: float   # of the logits of both
    sums: int           # conditionals whose probabilities were added over all levels
    worst_sum: float    # largest |sum - 1|

    def __bool__(self) -> bool:
        return self.passed


def check(path: Path, *, seed: int | None = None, positions: int | None = None,
          callback: Callback | None = None, context: Context | None = None) -> Certificate:
    """Proves on a model file, as far as changing values can, that no conditional depends on a value at or after its own,
    that weights behind masks are zero, and that probabilities sum to one. Large models take minutes.

    positions: values that are changed, at most; 0: all.
    """
    watch, found = Watch(callback), _header.Certificate()
    options = _header.CheckOptions(seed=seed, positions=positions, progress=watch.function)
    choose(context).watched(library.prnn_check, text_of(path), options, found, watch=watch)
    return found.pick(Certificate)._replace(kernels=found.kernels.pick(Causality), plain=found.plain.pick(Causality))
