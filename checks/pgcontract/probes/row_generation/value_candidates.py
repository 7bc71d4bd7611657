"""Ways to make a column's values, each to be tried, and what is known of them before."""

from __future__ import annotations

import re

from psycopg import sql

from pgcontract.probes.row_generation.row_numbers import MakeSql, ValueSeed
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class CandidateGenerator:
    """One way to make a column's values; `max_distinct` is how many different ones there are, None: as many as rows."""

    make: MakeSql
    max_distinct: int | None = None
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What is known of a column's values: `texts` that were seen to pass, `literals` of its CHECKs, in their order."""

    texts: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    rows: int = 1

    @property
    def numbers(self) -> tuple[float, ...]:
        return tuple(sorted({float(literal) for literal in self.literals if re.fullmatch(r"-?\d+(\.\d+)?", literal)}))

    @property
    def times(self) -> tuple[str, ...]:
        return tuple(sorted({literal for literal in self.literals if re.match(r"\d{4}-\d\d-\d\d", literal)}))


def wrapped(text: str, make: MakeSql) -> MakeSql:
    """SQL with another value at {}."""
    return lambda n: sql.SQL(text).format(make(n))


def random_hex(value_seed: ValueSeed, purpose: str = "value") -> MakeSql:
    """32 digits that look random, of each number its own."""
    salt = sql.Literal(f"{value_seed.salt(purpose)}/")
    return lambda n: sql.SQL("pg_catalog.md5({} || {})").format(salt, n)


def random_uuid(value_seed: ValueSeed) -> MakeSql:
    """Random but for the four bits of version and variant (RFC 9562, 5.4)."""
    return wrapped("overlay(overlay({} placing '4' from 13) placing '8' from 17)", random_hex(value_seed))
