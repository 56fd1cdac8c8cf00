#!/usr/bin/env python3
"""Writes pixelrnn/_header.py, the library's interface for ctypes, from the public headers.

  python3 python/header.py            compares what is there with the headers
  python3 python/header.py --write    writes it

Enumerations, structs with their PRNN_..._INIT values, callbacks and functions are read from include/pixelrnn/, so that
nothing about them is written twice. tests/test_header.py compares sizes, offsets and INIT values with a C compiler's.
"""
from __future__ import annotations

import pathlib
import re
import sys
from typing import NamedTuple

PYTHON = pathlib.Path(__file__).resolve().parent
INCLUDE = PYTHON.parent / "include" / "pixelrnn"
HEADERS = [INCLUDE / "pixelrnn.h", *sorted(set(INCLUDE.glob("*.h")) - {INCLUDE / "pixelrnn.h"})]
OUTPUT = PYTHON / "pixelrnn" / "_header.py"

SCALARS = {
    "int": "c_int", "bool": "c_bool", "size_t": "c_size_t", "uint64_t": "c_uint64", "uint8_t": "c_uint8",
    "uint32_t": "c_uint32", "int64_t": "c_int64", "double": "c_double", "float": "c_float", "char": "c_char",
    "prnn_status": "c_int",
}


class Field(NamedTuple):
    type: str     # without array bounds, one space between words: "const char *"
    name: str
    bounds: tuple[int, ...] = ()    # of an array


class Interface:
    """What the headers declare, in their order."""

    def __init__(self, text: str) -> None:
        self.macros = dict(re.findall(r"#define (PRNN_\w+)[ ]+((?:.*\\\n)*.*)", text))
        code = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        code = re.sub(r"^[ ]*#(?:.*\\\n)*.*$", "", code, flags=re.M)
        self.enums = {name: enumerators(body)
                      for body, name in re.findall(r"typedef enum \w+ \{(.*?)\} (\w+);", code, re.S)}
        self.structs = {name: fields(body)
                        for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", code, re.S)}
        self.callbacks = {name: (plain(result), parameters(arguments)) for result, name, arguments
                          in re.findall(r"typedef ([\w ]+)\(\*(\w+)\)\((.*?)\);", code, re.S)}
        self.functions = {name: (plain(result), parameters(arguments)) for result, name, arguments
                          in re.findall(r"PRNN_API ([^;(]*?)(\w+)\((.*?)\);", code, re.S)}


def enumerators(body: str) -> list[str]:
    """Their names; each has its place as its number."""
    names = []
    for number, item in enumerate(item.strip() for item in body.split(",") if item.strip()):
        name, _, given = item.partition("=")
        if given and int(given) != number:
            raise SystemExit(f"header.py understands enumerators that count from 0, not {item}")
        names.append(name.strip())
    return names


def plain(text: str) -> str:
    return re.sub(r" ?\* ?", " *", " ".join(text.split())).replace("* *", "**").strip()


def declared(text: str) -> Field:
    """"const char *name", "int shape[4]" """
    found = re.fullmatch(r"(.*?)(\w+)((?:\[\d+\])*)", plain(text))
    if not found:
        raise SystemExit(f"header.py does not understand {text!r}")
    return Field(found[1].strip(), found[2], tuple(map(int, re.findall(r"\d+", found[3]))))


def fields(body: str) -> list[Field]:
    result = []
    for line in body.split(";"):
        function = re.match(r".*\(\*(\w+)\)\(", line, re.S)
        if function:
            result.append(Field("void *", function[1]))
        elif line.strip():
            first, *others = line.split(",")
            result.append(declared(first))
            result += [Field(result[-1].type, name.strip()) for name in others]
    return result


def parameters(text: str) -> list[Field]:
    return [] if text.strip() == "void" else [declared(part) for part in text.split(",")]


def ctype(api: Interface, field: Field, of_function: bool = True) -> str:
    """The type in Python: a pointer to a struct keeps its type; one to anything else is an address."""
    kind = field.type.replace("const ", "")
    if kind in SCALARS:
        base = SCALARS[kind]
    elif kind in api.enums:
        base = "c_int"
    elif kind in api.callbacks or kind in api.structs:
        base = class_name(kind)
    elif field.type == "const char *":
        base = "c_char_p"
    elif kind.endswith(" *") and kind[:-2] in api.structs and of_function:
        base = f"POINTER({class_name(kind[:-2])})"
    elif kind.endswith("*"):
        base = "c_void_p"
    else:
        raise SystemExit(f"header.py does not know the type {field.type!r} of {field.name}")
    return " * ".join([base, *map(str, reversed(field.bounds))])


def class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name[len("prnn_"):].split("_"))


def enum_words(items: list[str]) -> list[str]:
    """PRNN_FIT_EXACT, PRNN_FIT_CROP -> exact, crop"""
    prefix = "PRNN_"
    if len(items) > 1:
        words = [item.split("_") for item in items]
        same = 0
        while all(len(w) > same + 1 and w[same] == words[0][same] for w in words):
            same += 1
        prefix = "_".join(words[0][:same]) + "_"
    return [item[len(prefix):].lower() for item in items]


def split_values(text: str) -> list[str]:
    """The values of { a, b, {c, d}, "" } at the outer level."""
    parts, depth, part = [], 0, ""
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += character
    return [*parts, part.strip()]


def value(api: Interface, text: str) -> str:
    if text.startswith("{"):
        return "(" + ", ".join(value(api, part) for part in split_values(text[1:-1])) + ",)"
    if text == '""':
        return 'b""'
    words = {"NULL": "None", "true": "True", "false": "False"}
    for items in api.enums.values():
        words.update({item: str(number) for number, item in enumerate(items)})
    text = re.sub(r"\(\w+\)", "", text)
    return words.get(text, text)


def initial(api: Interface, name: str) -> list[str]:
    """The values of PRNN_..._INIT without the size; none: there is no such macro."""
    macro = api.macros.get(name.upper() + "_INIT")
    if macro is None:
        return []
    body = " ".join(macro.replace("\\\n", " ").split())
    size, *values = split_values(body.strip()[1:-1])
    if size != f"sizeof({name})" or len(values) != len(api.structs[name]) - 1:
        raise SystemExit(f"header.py does not understand {name.upper()}_INIT")
    return [value(api, text) for text in values]


def wrapped(head: str, items: list[str], tail: str, width: int = 110) -> list[str]:
    """The items between head and tail: one line if they fit, else lines that are indented by four more than head."""
    line = head + ", ".join(items) + ("," if len(items) == 1 else "") + tail
    if len(line) <= width:
        return [line]
    indent = " " * (len(head) - len(head.lstrip()) + 4)
    lines, line = [head], ""
    for item in items:
        if line and len(line) + len(item) + 2 > width:
            lines.append(line.rstrip())
            line = ""
        line = (line or indent) + item + ", "
    return [*lines, line.rstrip(), indent[4:] + tail]


def write_enum(api: Interface, name: str) -> list[str]:
    return wrapped(f"{name[len('prnn_'):].upper()} = (", [f'"{word}"' for word in enum_words(api.enums[name])], ")")


def write_struct(api: Interface, name: str) -> list[str]:
    body = [f'("{f.name}", {ctype(api, f, of_function=False)})' for f in api.structs[name]]
    lines = ["", "", f"class {class_name(name)}(Struct):", *wrapped("    _fields_ = [", body, "]")]
    enums = [f'"{f.name}": {f.type[len("prnn_"):].upper()}' for f in api.structs[name] if f.type in api.enums]
    if enums:
        lines.append(f"    enums = {{{', '.join(enums)}}}")
    values = initial(api, name)
    return [*lines, *(wrapped("    init = (", values, ")") if values else [])]


def write_callback(api: Interface, name: str) -> list[str]:
    result, arguments = api.callbacks[name]
    kinds = [returned(api, result), *(ctype(api, argument) for argument in arguments)]
    return ["", "", f"{class_name(name)} = CFUNCTYPE({', '.join(kinds)})"]


def write_types(api: Interface) -> list[str]:
    """Structs, and each callback after the struct that it is given and before the first that holds it."""
    lines: list[str] = []
    waiting = list(api.callbacks)
    for name in api.structs:
        for callback in [c for c in waiting if any(f.type == c for f in api.structs[name])]:
            lines += write_callback(api, callback)
            waiting.remove(callback)
        lines += write_struct(api, name)
    return lines


def returned(api: Interface, result: str) -> str:
    return "None" if result == "void" else ctype(api, Field(result, "the result"))


def write_functions(api: Interface) -> list[str]:
    lines = ["", "", "# name: what it returns, what it takes", "FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {"]
    for name, (result, arguments) in api.functions.items():
        takes = [ctype(api, argument) for argument in arguments]
        lines += wrapped(f'    "{name}": ({returned(api, result)}, (', takes, ")),")
    return [*lines, "}"]


def text_of(api: Interface) -> str:
    lines: list[str] = []
    for name in api.enums:
        lines += write_enum(api, name)
    lines += [*write_types(api), *write_functions(api)]
    used = sorted(set(re.findall(r"\b(c_\w+|CFUNCTYPE|POINTER)\b", "\n".join(lines))))
    return "\n".join([
        '"""The library\'s interface, as include/pixelrnn/ declares it.', "",
        "Written by python/header.py --write; a test compares it with the headers.", '"""', "# ruff: noqa: I001, RUF012",
        "from __future__ import annotations", "",
        *wrapped("from ctypes import (", used, ")"), "from typing import Any", "", "from ._struct import Struct", "",
        f"VERSION = {api.macros['PRNN_VERSION']}", f"VERSION_NUMBER = {api.macros['PRNN_VERSION_NUMBER']}", "",
        *lines, ""])


def main() -> None:
    api = Interface("\n".join(path.read_text() for path in HEADERS))
    text = text_of(api)
    if sys.argv[1:] == ["--write"]:
        OUTPUT.write_text(text)
    elif sys.argv[1:]:
        raise SystemExit(__doc__)
    elif not OUTPUT.exists() or OUTPUT.read_text() != text:
        raise SystemExit("python/pixelrnn/_header.py is not what the headers say: python3 python/header.py --write")


if __name__ == "__main__":
    main()
