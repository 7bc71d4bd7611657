"""Pieces of SQL that more than one way around a lock is made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pgcontract.catalog.live_tables import LiveColumn, LiveConstraint, LiveIndex
from pgcontract.model.identifiers import (
    MAX_NAME_BYTES,
    generated_name,
    quote_identifier,
    truncate_name,
    unquote_identifier,
)
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.values import dataclass

_BATCH: Final = 10_000
_HEAD: Final = re.compile(r'^CREATE (?P<unique>UNIQUE )?INDEX (?P<name>"(?:[^"]|"")+"|\S+) ON (?:ONLY )?(?=\S)')
IN_A_QUIET_HOUR: Final = (
    "There is no way around the lock: deploy it in a quiet hour, with SET lock_timeout = '2s'; in front."
)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to do in a sentence, and the SQL of each step: a migration of its own each, in this order. `concurrent` is
    whether a step can run in no transaction."""

    sentence: str
    steps: tuple[str, ...] = ()

    @property
    def concurrent(self) -> bool:
        return any("CONCURRENTLY" in step for step in self.steps)


def require(table: str, columns: Iterable[LiveColumn]) -> tuple[str, ...]:
    """The columns made NOT NULL, the proof before it."""
    adds, validates, ends = [], [], []
    for column in columns:
        name = name_of(table, column.name, "is_set")
        adds.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column.name} IS NOT NULL) NOT VALID;")
        validates.append(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};")
        ends.append(f"ALTER TABLE {table} ALTER COLUMN {column.name} SET NOT NULL;")
        ends.append(f"ALTER TABLE {table} DROP CONSTRAINT {name};")
    return together(adds, validates, ends)


def together(*steps: Sequence[str]) -> tuple[str, ...]:
    """One step for each that holds a statement."""
    return tuple("\n".join(step) for step in steps if step)


def in_two(table: str, constraint: LiveConstraint, *, replaces: bool = False) -> tuple[str, ...]:
    """The constraint added, in the place of one of its name where it `replaces` that, and validated."""
    definition = constraint.definition.removesuffix(" NOT VALID").removesuffix(" NOT ENFORCED")
    drop = f"DROP CONSTRAINT {constraint.name}, " if replaces else ""
    return (
        f"ALTER TABLE {table} {drop}ADD CONSTRAINT {constraint.name} {definition} NOT VALID;",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint.name};",
    )


def literal(text: str) -> str:
    """The inside of a string literal."""
    return text.replace("'", "''")


def batches(table: str, assignment: str, condition: str, *, partitioned: bool = False) -> str:
    """An UPDATE of a few rows at a time; `partitioned` where rows of several tables may have one ctid."""
    row, chosen = ("(tableoid, ctid)", "tableoid, ctid") if partitioned else ("ctid", "ctid")
    lines = (
        "-- Again and again, each time committed, until it updates no row:",
        f"UPDATE {table} SET {assignment}",  # noqa: S608 - printed, never run
        f"WHERE {row} IN (SELECT {chosen} FROM {table} WHERE {condition} LIMIT {_BATCH});",  # noqa: S608 - the same
    )
    return "\n".join(lines)


def create_index(index: LiveIndex, *, name: str = "", concurrently: bool = True) -> str:
    """The statement that makes it, of a partitioned table's with those of its partitions; `name` is another, bare one."""
    word = "CONCURRENTLY " if concurrently else ""
    return _HEAD.sub(
        lambda head: f"CREATE {head['unique'] or ''}INDEX {word}{name or head['name']} ON ", index.definition
    )


def key_word(constraint: LiveConstraint) -> str:
    """What a unique index is made of: PRIMARY KEY or UNIQUE."""
    return "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"


def deferral(definition: str) -> str:
    """What a constraint's definition ends with where it may be checked late."""
    found = re.search(r" DEFERRABLE(?: INITIALLY DEFERRED)?$", definition)
    return found[0] if found else ""


def name_of(table: str, column: str, label: str, *, qualified: bool = False) -> str:
    """A name for what belongs to a column, quoted where it must be; with the table's schema where it is asked for."""
    path = QualifiedName.parse(table)
    name = quote_identifier(generated_name(path.name, unquote_identifier(column), label))
    return f"{path.parent}.{name}" if qualified else name


def suffixed(column: str, suffix: str) -> str:
    """A name with that behind it, cut where it would be too long."""
    return quote_identifier(truncate_name(unquote_identifier(column), MAX_NAME_BYTES - len(suffix)) + suffix)
