"""The type of a column, down to what it is made of, as a generator of values must know it."""

from __future__ import annotations

from typing import Literal

import psycopg

from pgcontract.probes.boundary_values import literal_values
from pgcontract.values import dataclass

Form = Literal["base", "enum", "array", "composite", "range", "multirange"]

_TYPE = """
SELECT t.typtype::text, t.typcategory::text, t.typbasetype::int8, t.typtypmod, t.typelem::int8, t.typrelid::int8,
       pg_catalog.format_type(t.oid, -1), t.typname::text, t.typnotnull,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
       coalesce((SELECT r.rngsubtype::int8 FROM pg_catalog.pg_range AS r
                  WHERE r.rngtypid = t.oid OR r.rngmultitypid = t.oid), 0)
  FROM pg_catalog.pg_type AS t
 WHERE t.oid::int8 = %s
"""
_ATTRIBUTES = """
SELECT a.atttypid::int8, a.atttypmod FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid::int8 = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_DOMAIN_CHECKS = """
SELECT pg_catalog.pg_get_expr(c.conbin, 0) FROM pg_catalog.pg_constraint AS c
 WHERE c.contypid::int8 = %s AND c.contype = 'c' ORDER BY c.conname
"""
# pg_type.typname of what SQL spells otherwise.
_ALIASES = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
    "bool": "boolean", "bpchar": "character", "varchar": "character varying", "varbit": "bit varying",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ValueType:
    """A type for a generator of values: `name` is what SQL casts to, without a length; the rest is of the type below
    its domains, but for the `literals` of their CHECKs. `typname` is pg_type.typname, `parts` an array's element, a
    range's bound, a composite's attributes."""

    name: str
    form: Form
    typname: str
    category: str
    modifier: int = -1
    domain: bool = False
    required: bool = False
    labels: tuple[str, ...] = ()
    parts: tuple[ValueType, ...] = ()
    literals: tuple[str, ...] = ()

    @property
    def base_name(self) -> str:
        """What SQL calls the type below its domains, so that its kind can be told."""
        return _ALIASES.get(self.typname, f"{self.parts[0].base_name}[]" if self.form == "array" else self.typname)

    @property
    def length(self) -> int | None:
        """How many characters a varchar(n) or char(n) takes, or bits a bit(n)."""
        if self.modifier < 0:
            return None
        return (
            self.modifier - 4
            if self.typname in ("varchar", "bpchar")
            else self.modifier
            if self.category == "V"
            else None
        )


def read_type(
    connection: psycopg.Connection, oid: int, modifier: int, types: dict[tuple[int, int], ValueType]
) -> ValueType:
    """The type with all that it is made of; `types` keeps what was read."""
    if (oid, modifier) in types:
        return types[oid, modifier]
    row = connection.execute(_TYPE, [oid]).fetchone()
    assert row
    kind, category, base, base_modifier, element, relation, name, typname, required, labels, bound = row
    if kind == "d":
        below = read_type(connection, base, base_modifier, types)
        checks = connection.execute(_DOMAIN_CHECKS, [oid]).fetchall()
        own = {
            "name": name,
            "domain": True,
            "required": required or below.required,
            "literals": (*below.literals, *(text for (check,) in checks for text in literal_values(check))),
        }
        value_type = ValueType(**{**vars(below), **own})
    else:
        parts: tuple[ValueType, ...] = ()
        form: Form = "base"
        if kind == "e":
            form = "enum"
        elif kind == "c":
            form = "composite"
            attributes = connection.execute(_ATTRIBUTES, [relation]).fetchall()
            parts = tuple(read_type(connection, type_oid, its, types) for type_oid, its in attributes)
        elif kind in ("r", "m"):
            form = "range" if kind == "r" else "multirange"
            parts = (read_type(connection, bound, -1, types),)
        elif category == "A":
            form = "array"
            parts = (read_type(connection, element, modifier, types),)
        value_type = ValueType(
            name=name, form=form, typname=typname, category=category, modifier=modifier, labels=tuple(labels), parts=parts
        )
    types[oid, modifier] = value_type
    return value_type
