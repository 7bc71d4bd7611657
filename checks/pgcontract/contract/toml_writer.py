"""Writes declarations as TOML: one line for each part, a table for longer ones."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 118

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # TOML has these only as escapes


def write_table(
    path: Sequence[str], declaration: Mapping[str, Any], collections: Iterable[str] = (), *, array: bool = False
) -> str:
    """One table with its keys, of an `array` or by itself.

    A key of `collections` holds named parts: one that fits on a line is written as `key.name = { ... }`, any other as
    a table of its own below; columns, whose order counts, always on one line.
    """
    header = f"[{write_key(*path)}]"
    lines, below = [f"[{header}]" if array else header], []
    for key, value in declaration.items():
        if key not in collections:
            lines.append(_pair(key, value))
            continue
        long = {name: part for name, part in value.items() if key != "columns" and _is_long(write_key(key, name), part)}
        lines += _inline_parts(key, {name: part for name, part in value.items() if name not in long})
        below += [write_table((*path, key, name), part) for name, part in long.items()]
    return "\n".join(["\n".join(lines) + "\n", *below])


def write_pairs(declaration: Mapping[str, Any]) -> str:
    """Keys at the top of a file."""
    return "".join(f"{_pair(key, value)}\n" for key, value in declaration.items())


def write_key(*path: str) -> str:
    """A dotted key, quoted where TOML asks for it; in single quotes if it holds SQL's double ones."""
    return ".".join(key if _BARE.fullmatch(key) else write_text(key, lines=False) for key in path)


def write_text(text: str, *, lines: bool = True) -> str:
    """A string in the form that needs the fewest escapes; over several lines where it has several and `lines` allow."""
    if lines and "\n" in text:
        if "'''" not in text and not _CONTROL.search(text) and not text.endswith("'"):
            return f"'''\n{text}'''"
        escaped = "\n".join(_escaped(line)[1:-1] for line in text.split("\n"))
        return f'"""\n{escaped}"""'
    if re.search(r'["\\]', text) and "'" not in text and "\n" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return _escaped(text)


def _escaped(text: str) -> str:
    """JSON's escapes are TOML's, but for U+007F, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_value(value: Any, *, lines: bool = True) -> str:
    """A value on one line, but for strings of several lines where `lines` allow them."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return write_text(value, lines=lines)
        case int() | float() | dt.date() | dt.time():
            return str(value)
        case Mapping():
            inside = ", ".join(f"{write_key(key)} = {write_value(item, lines=False)}" for key, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(write_value(item, lines=False) for item in value)}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _pair(key: str, value: Any) -> str:
    line = f"{write_key(key)} = {write_value(value)}"
    if isinstance(value, list | tuple) and len(line) > WIDTH:
        return "\n".join([f"{write_key(key)} = [", *(f"    {write_value(item, lines=False)}," for item in value), "]"])
    return line


def _inline_parts(collection: str, parts: Mapping[str, Any]) -> Iterator[str]:
    """Each part on a line, the equal signs in one column as far as the line length allows."""
    texts = {write_key(collection, name): write_value(part, lines=False) for name, part in parts.items()}
    fitting = [len(key) for key, text in texts.items() if len(key) + len(text) + 3 <= WIDTH]
    room = [WIDTH - 3 - len(text) for key, text in texts.items() if len(key) + len(text) + 3 <= WIDTH]
    column = min([max(fitting), *room]) if fitting else 0
    return (f"{key:<{column}} = {text}" for key, text in texts.items())


def _is_long(key: str, part: Any) -> bool:
    """Whether a part needs a table of its own: it is over a line long, or has a text of several lines."""
    if not isinstance(part, Mapping):
        return False
    several = any(isinstance(value, str) and "\n" in value for value in part.values())
    return several or len(key) + 3 + len(write_value(part, lines=False)) > WIDTH
