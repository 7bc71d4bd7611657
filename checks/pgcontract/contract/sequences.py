"""The defaults of a declared sequence, and the sequence that an identity column implies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pgcontract.contract import identifiers
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
    schema, bare = identifiers.split(table)
    sequence = identifiers.generated_name(bare, identifiers.split(column)[0], "seq")
    type_name = _SPELLED[_BITS.get(column_type.lower(), 64)]
    bounds = sequence_defaults({"type": type_name})
    return Sequence(
        name=identifiers.join(schema, sequence),
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
    schema, bare = identifiers.split(table)
    sequence = identifiers.join(schema, identifiers.generated_name(bare, identifiers.split(column)[0], "seq"))
    return (
        f"column {table}.{column}: {column_type} is short for three things, and no type the server keeps; "
        f'write type = "{plain}", null = false, default = "nextval(\'{sequence}\'::regclass)", '
        f'and [sequence."{sequence}"] with type = "{plain}", owned_by = "{table}.{column}"'
    )
