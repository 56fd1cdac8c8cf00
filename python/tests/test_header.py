"""The interface for ctypes and the public headers say the same."""
from __future__ import annotations

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import pixelrnn
from conftest import SOURCE
from pixelrnn import _header, _library
from pixelrnn._struct import Struct

STRUCTS = {name: kind for name, kind in vars(_header).items()
           if isinstance(kind, type) and issubclass(kind, Struct) and kind is not Struct}


def c_name(name: str) -> str:
    return "prnn" + "".join("_" + c.lower() if c.isupper() else c for c in name)


def c_says(tmp_path: pathlib.Path, statements: list[str]) -> list[str]:
    """The lines that statements in C print."""
    compiler = os.environ.get("CC", "cc").split()
    if not shutil.which(compiler[0]):
        pytest.skip("no C compiler to compare with")
    source = tmp_path / "say.c"
    headers = "".join(f"#include <pixelrnn/{path.name}>\n" for path in (SOURCE / "include" / "pixelrnn").glob("*.h"))
    source.write_text(headers + "#include <stdio.h>\n#include <string.h>\nint main(void) {\n"
                      + "\n".join(statements) + "\nreturn 0;\n}\n")
    subprocess.run([*compiler, "-I", str(SOURCE / "include"), str(source), "-o", str(tmp_path / "say")], check=True)
    return subprocess.run([str(tmp_path / "say")], check=True, capture_output=True, text=True).stdout.splitlines()


def test_is_what_the_headers_declare() -> None:
    if not (SOURCE / "python" / "header.py").exists():
        pytest.skip("no sources")
    subprocess.run([sys.executable, str(SOURCE / "python" / "header.py")], check=True)


def test_sizes_and_offsets(tmp_path: pathlib.Path) -> None:
    assert len(STRUCTS) > 10
    asked, expected = [], []
    for name, kind in STRUCTS.items():
        asked.append(f'printf("%zu\\n", sizeof({c_name(name)}));')
        expected.append(str(ctypes.sizeof(kind)))
        for field, *_ in kind._fields_:
            asked.append(f'printf("%zu %zu\\n", offsetof({c_name(name)}, {field}), '
                         f"sizeof((({c_name(name)} *)0)->{field}));")
            expected.append(f"{getattr(kind, field).offset} {getattr(kind, field).size}")
    assert c_says(tmp_path, asked) == expected


def test_initial_values(tmp_path: pathlib.Path) -> None:
    """Byte by byte, what PRNN_..._INIT is to a C compiler."""
    asked, expected = [], []
    for name, kind in STRUCTS.items():
        if kind.init:
            c = c_name(name)
            asked.append(f"{{ static {c} s = {c.upper()}_INIT; const unsigned char *b = (const unsigned char *)&s;"
                         f' for (size_t i = 0; i < sizeof s; i++) printf("%02x", b[i]); printf("\\n"); }}')
            expected.append(bytes(kind()).hex())
    assert len(expected) > 8
    assert c_says(tmp_path, asked) == expected


def test_enumerators(tmp_path: pathlib.Path) -> None:
    words = {"PRNN_": ("STATUS", "KIND", "OUTPUT", "OPTIMIZER", "SCHEDULE", "TYPE"), "PRNN_VALUES_": ("VALUES",),
             "PRNN_FIT_": ("FIT",), "PRNN_ALPHA_": ("ALPHA",)}
    names = [(prefix + word.upper(), number) for prefix, enums in words.items() for enum in enums
             for number, word in enumerate(getattr(_header, enum))]
    assert c_says(tmp_path, [f'printf("%d\\n", {name});' for name, _ in names]) == [str(n) for _, n in names]


def test_tuples_have_the_fields_of_their_structs() -> None:
    for shown, kind in ((pixelrnn.Progress, _header.Progress), (pixelrnn.Certificate, _header.Certificate),
                        (pixelrnn.Causality, _header.Causality), (pixelrnn.Device, _header.DeviceInfo)):
        assert set(shown._fields) <= {field[0] for field in kind._fields_}


def test_every_public_function_is_there() -> None:
    exported = (SOURCE / "tests" / "exported-symbols.txt").read_text().split()
    assert sorted(_header.FUNCTIONS) == sorted(exported)
    for name in exported:
        assert getattr(_library.library, name).argtypes is not None


def test_version() -> None:
    assert pixelrnn.__version__ == pixelrnn.version() == _header.VERSION
    assert _library.library.prnn_version_number() == _header.VERSION_NUMBER


def test_all_names() -> None:
    names: dict[str, object] = {}
    exec("from pixelrnn import *", names)
    assert "load" in names
    assert "open" not in names
    assert pixelrnn.open
    with pytest.raises(AttributeError, match="no attribute 'tensorflow'"):
        pixelrnn.tensorflow  # noqa: B018


def test_a_library_that_is_not_there_is_a_sentence() -> None:
    environment = {**os.environ, "PIXELRNN_LIBRARY": "/nowhere/libpixelrnn.so"}
    done = subprocess.run([sys.executable, "-c", "import pixelrnn"], env=environment, capture_output=True, text=True,
                          check=False)
    assert "PIXELRNN_LIBRARY" in done.stderr.splitlines()[-1]


def test_options_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(ValueError, match="batch: 4294967296 is out of range"):
        _header.TrainOptions(batch=2**32)
    with pytest.raises(ValueError, match="seed: -1 is out of range"):
        _header.SampleOptions(seed=-1)
    with pytest.raises(ValueError, match="'sideways' is none of row, diagonal, cnn"):
        _header.Config(kind="sideways")
    with pytest.raises(TypeError, match=r"height: 2\.5 is not an integer"):
        _header.Config(height=2.5)
    with pytest.raises(TypeError, match="momentum is no field"):
        _header.TrainOptions(momentum=1)
