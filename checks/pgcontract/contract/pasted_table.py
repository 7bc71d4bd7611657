"""A table as text: what psql prints, in columns or expanded, CSV, Markdown, JSON, or what a web editor copies."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgcontract.model.wording import number_of

_RULE: Final = re.compile(r"[\s|+:=─│┼╪├┤┌┬┐└┴┘╞╡-]+")
_COUNT: Final = re.compile(r"\(\d+ \w+\)|(?:SELECT|COPY) \d+|Time: .*")
_COUNTED: Final = re.compile(r"^\((\d+) \w+\)\s*$", re.MULTILINE)
_RECORD: Final = re.compile(r"\+?-\[ RECORD \d+ \][-+]*")
# What a terminal has besides: psql's prompt with what was typed, and what the server says.
_BESIDE: Final = re.compile(r"[\w.-]+[=*!^-][#>](?: .*)?|(?:NOTICE|WARNING|INFO|DETAIL|HINT):.*")
_ERROR: Final = re.compile(r"^(?:psql: )?(?:error|ERROR|FATAL): .*", re.MULTILINE)
_BARS: Final = re.compile(r"[|│]")


def read_pasted_table(text: str, columns: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """The rows by their columns' names, lower case; a line that names them may lead, else they are those asked for, in
    that order. ValueError where it is no such table, as a sentence that goes on behind the file's name."""
    text = text.strip("\ufeff\r\n ")
    if text[:1] in ("[", "{"):
        return _from_json(text)
    if error := _ERROR.search(text):
        raise ValueError(f"holds an error in the place of rows ({error[0]})")
    text = "\n".join(line for line in text.splitlines() if not _BESIDE.fullmatch(line.strip()))
    if any(_RECORD.fullmatch(line.strip()) for line in text.splitlines()):
        return tuple(_records(text))
    rows = [row for row in _cells(text) if any(row)]
    if not rows:
        raise ValueError("is empty")
    names = [name.lower() for name in rows[0]]
    # A value can be spelled as a column is (2,dirty); no column's name begins with a digit.
    if set(names) & set(columns) and not any(name[:1].isdigit() for name in names):
        body = rows[1:]
    else:
        names, body = [*columns], rows
    for number, row in enumerate(body, 1):
        if len(row) != len(names):
            raise ValueError(
                f"has {number_of(len(row), 'values')} in row {number}, and {len(names)} were asked for: "
                f"{', '.join(names)}"
            )
    counts = [int(count) for count in _COUNTED.findall(text)]
    if counts and len(body) < counts[-1]:
        raise ValueError(f"ends with ({counts[-1]} rows), and has {len(body)} of them")
    return tuple(dict(zip(names, row, strict=True)) for row in body)


def _records(text: str) -> Iterator[Mapping[str, str]]:
    """The rows of psql's expanded display, a value a line."""
    record: dict[str, str] | None = None
    for line in map(str.strip, text.splitlines()):
        if _RECORD.fullmatch(line):
            if record is not None:
                yield record
            record = {}
        elif record is not None and _BARS.search(line):
            boxed = line[:1] in "|│" and line[-1:] in "|│"
            name, value = _BARS.split(line[1:-1] if boxed else line, maxsplit=1)
            record[name.strip().lower()] = value.strip()
    if record is not None:
        yield record


def _from_json(text: str) -> tuple[Mapping[str, str], ...]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        try:  # an object a line
            document = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise ValueError(f"begins as JSON and is none: {error}") from None
    if isinstance(document, dict):
        inner = next((value for value in document.values() if isinstance(value, list)), None)
        document = [document] if inner is None else inner
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
