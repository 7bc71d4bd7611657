"""A table as text: what psql prints, CSV, Markdown, JSON, or what a web editor copies."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

_RULE: Final = re.compile(r"[\s|+:=─│┼╪├┤┌┬┐└┴┘╞╡-]+")
_COUNT: Final = re.compile(r"\(\d+ \w+\)|(?:SELECT|COPY) \d+|Time: .*")
_COUNTED: Final = re.compile(r"^\((\d+) \w+\)\s*$", re.MULTILINE)
_BARS: Final = re.compile(r"[|│]")


def read_pasted_table(text: str, columns: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """The rows by their columns' names, lower case; a line that names them may lead, else they are those asked for, in
    that order. ValueError where it is no such table, as a sentence that goes on behind the file's name."""
    text = text.strip("\ufeff\r\n ")
    if text[:1] in ("[", "{"):
        return _from_json(text)
    rows = [row for row in _cells(text) if any(row)]
    if not rows:
        raise ValueError("is empty")
    names = [name.lower() for name in rows[0]]
    if set(names) & set(columns):
        body = rows[1:]
    else:
        names, body = [*columns], rows
    for number, row in enumerate(body, 1):
        if len(row) != len(names):
            raise ValueError(
                f"has {len(row)} values in row {number}, and {len(names)} were asked for: {', '.join(names)}"
            )
    counts = [int(count) for count in _COUNTED.findall(text)]
    if counts and len(body) < counts[-1]:
        raise ValueError(f"ends with ({counts[-1]} rows), and has {len(body)} of them")
    return tuple(dict(zip(names, row, strict=True)) for row in body)


def _from_json(text: str) -> tuple[Mapping[str, str], ...]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"begins as JSON and is none: {error}") from None
    if isinstance(document, dict):
        document = next((value for value in document.values() if isinstance(value, list)), None)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise ValueError("is JSON, and no list of rows")
    return tuple({name.lower(): _word(value) for name, value in row.items()} for row in document)


def _word(value: object) -> str:
    return {None: "", True: "t", False: "f"}.get(value) if isinstance(value, bool | None) else str(value)  # type: ignore[return-value]


def _cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not _COUNT.fullmatch(line.strip())]
    ruled = any(_RULE.fullmatch(line) and re.search(r"[-─=]", line) for line in lines)
    if ruled or (lines and all(_BARS.search(line) for line in lines)):
        found = []
        for line in lines:
            if _RULE.fullmatch(line):
                continue
            line = line.strip()
            boxed = line[:1] in "|│" and line[-1:] in "|│" and len(line) > 1
            found.append([cell.strip() for cell in _BARS.split(line[1:-1] if boxed else line)])
        return found
    separator = "\t" if any("\t" in line for line in lines) else ";" if _is_parted_by_semicolons(lines) else ","
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]


def _is_parted_by_semicolons(lines: Sequence[str]) -> bool:
    return all(";" in line for line in lines) and not all("," in line for line in lines)
