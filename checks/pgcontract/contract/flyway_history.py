"""Flyway's own table of what it has applied: which rows are a file's, and whether the file is still what it was.

As we understand it (its documentation and ChecksumCalculator): the checksum is the CRC-32 of the lines without their
ends, as a signed number of 32 bits; a baseline stands for every version up to its own.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pgcontract.contract.flyway_names import BASELINE
from pgcontract.contract.flyway_settings import read_settings
from pgcontract.contract.migration import Migration
from pgcontract.contract.tool_history import Row
from pgcontract.model.input_file import read_bytes

_BASELINE: Final = "BASELINE"
_SQL_BASELINE: Final = "SQL_BASELINE"
_UNDONE: Final = ("UNDO_SQL", "UNDO_JDBC", "UNDO_SCRIPT")
_OF_NO_FILE: Final = ("SCHEMA", "DELETE")
_LINE_ENDS: Final = re.compile("\r\n|\r|\n")
_BITS: Final = 2**32


def names(row: Row, migration: Migration) -> bool:
    """By its version; a repeatable one, which has none, by its file's name."""
    if row.get("type", "").upper() == _BASELINE:
        return False
    if migration.up.execution.repeatable or not row.get("version"):
        return migration.up.execution.repeatable and row.get("script", "").rpartition("/")[2] == Path(migration.file).name
    return _version(row["version"]) == _version(migration.display_name)


def covers(row: Row, migration: Migration) -> bool:
    """The same, or all up to a baseline; a repeatable one as long as it has not changed, for else it is run again."""
    if row.get("type", "").upper() == _BASELINE:
        return not migration.up.execution.repeatable and _version(migration.display_name) <= _version(row["version"])
    return names(row, migration) and (not migration.up.execution.repeatable or _has_checksum(row, migration))


def in_force(rows: Sequence[Row]) -> list[Row]:
    """The last row of each version or repeatable script, where that does not take it back."""
    last = {row.get("version") or row.get("script", ""): row for row in rows}
    left_out = (*_UNDONE, *_OF_NO_FILE)
    return [row for row in last.values() if row.get("type", "").upper() not in left_out]


def agrees(row: Row, migration: Migration) -> bool:
    """Whether the file has the checksum that it was applied with; a repeatable one may change, and a baseline stands for
    what was applied before it."""
    stands_for_it = Path(migration.file).name.startswith(BASELINE) and row.get("type", "").upper() != _SQL_BASELINE
    return stands_for_it or migration.up.execution.repeatable or _has_checksum(row, migration)


def may_be_late(migration: Migration) -> bool:
    """Where the settings say outOfOrder."""
    return read_settings(Path(migration.up.path).resolve().parents).out_of_order


def _has_checksum(row: Row, migration: Migration) -> bool:
    said = row.get("checksum", "")
    return not said or said == str(_checksum(Path(migration.up.path)))


def _checksum(path: Path) -> int:
    text = read_bytes(path).decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = _LINE_ENDS.split(text)
    crc = 0
    for line in lines[:-1] if lines[-1] == "" else lines:
        crc = zlib.crc32(line.encode(), crc)
    return crc - _BITS if crc >= _BITS // 2 else crc


def _version(written: str) -> tuple[int, ...]:
    """Its numbers without zeros at the end: 1 and 1.0 are one."""
    numbers = [int(part) for part in re.split(r"[._]", written) if part.isdecimal()]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
