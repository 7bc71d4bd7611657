"""A second row beside a specimen: the same but for its key and whatever else must be unique."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import psycopg

from pgcontract.catalog.server_spelling import split_name
from pgcontract.contract.identifiers import bare, quote
from pgcontract.postgres.script_execution import refusal_of
from pgcontract.probes.context import Trial
from pgcontract.probes.rows.probe_row import Specimen

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def beside(trial: Trial, connection: psycopg.Connection, specimen: Specimen) -> Specimen | None:
    """A second row, now there; None where the table takes none, or has no key to tell the two apart."""
    if not specimen.key:
        return None
    other = _varied(specimen, specimen.key)
    for _ in range(len(specimen.row)):
        try:
            connection.execute(other.insert())
        except psycopg.Error as error:
            refusal = refusal_of(error)
            index = next((each for each in trial.after.indexes if _is(each.name, refusal.constraint)), None)
            if refusal.sqlstate != "23505" or index is None:
                return None
            keys = " ".join(index.keys)
            unique = [name for name in other.row if re.search(rf"(?<!\w){re.escape(quote(name))}(?!\w)", keys)]
            varied = _varied(other, unique)
            if varied == other:
                return None
            other = varied
        else:
            return other
    return None


def _is(index: str, constraint: str | None) -> bool:
    return bare(split_name(index)[1]) == constraint


def _varied(specimen: Specimen, columns: Iterable[str]) -> Specimen:
    return replace(specimen, row={**specimen.row, **{name: _another(specimen.row[name]) for name in columns}})


def _another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if _UUID.fullmatch(value):
            return value[:-1] + ("0" if value[-1] == "f" else f"{int(value[-1], 16) + 1:x}")
        case str() if value.isdecimal():
            return str(int(value) + 1)
        case str():
            return f"b{value}"
        case _:
            return value
