"""The defaults of a declared sequence, and the sequence that an identity column implies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pgcontract.model.identifiers import generated_name, read_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin, Sequence, Table

_BITS: Final = {"smallint": 16, "int2": 16, "integer": 32, "int": 32, "int4": 32, "bigint": 64, "int8": 64}
_SPELLED: Final = {16: "smallint", 32: "integer", 64: "bigint"}
_SERIAL: Final = {
    "smallserial": "smallint",
    "serial2": "smallint",
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
}


def sequence_defaults(declaration: Mapping[str, Any]) -> dict[str, int]:
    """CREATE SEQUENCE's defaults for what is not declared: start, minimum and maximum."""
    most = 2 ** (_BITS[declaration.get("type", "bigint")] - 1) - 1
    upward = declaration.get("increment", 1) > 0
    minimum = declaration.get("minimum", 1 if upward else -most - 1)
    maximum = declaration.get("maximum", most if upward else -1)
    return {"minimum": minimum, "maximum": maximum, "start": declaration.get("start", minimum if upward else maximum)}


def identity_sequence(table: str, column: str, column_type: str, owner: Table, origin: Origin | None) -> Sequence | None:
    """The sequence behind an identity column, as CREATE TABLE makes it; None in a partition, which has its parent's."""
    if owner.partition_of is not None:
        return None
    type_name = _SPELLED[_BITS.get(column_type.lower(), 64)]
    bounds = sequence_defaults({"type": type_name})
    return Sequence(
        name=_sequence_name(table, column),
        type=type_name,
        maximum=bounds["maximum"],
        owned_by=f"{table}.{column}",
        identity=True,
        persistence=owner.persistence,
        owner=owner.owner,
        origin=origin,
    )


def serial_replacement(table: str, column: str, column_type: str) -> str | None:
    """What to write in place of a serial type; None where the type is none."""
    plain = _SERIAL.get(column_type.lower())
    if plain is None:
        return None
    sequence = _sequence_name(table, column)
    return (
        f"column {table}.{column}: {column_type} is short for three things, and no type the server keeps; "
        f'write type = "{plain}", null = false, default = "nextval(\'{sequence}\'::regclass)", '
        f'and [sequence."{sequence}"] with type = "{plain}", owned_by = "{table}.{column}"'
    )


def _sequence_name(table: str, column: str) -> str:
    """The name that PostgreSQL gives to the sequence of a column, both spelled as the server does."""
    name = QualifiedName.parse(table)
    return str(name.with_name(generated_name(name.name, read_identifier(column), "seq")))
