"""Values that a type suggests, as SQL over a row's number, the likeliest first; whether a table accepts them is tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from pgcontract.probes.row_generation.json_documents import filler
from pgcontract.probes.row_generation.row_numbers import (
    MakeSql,
    Number,
    ValueSeed,
    integer_between,
    timestamp_between,
    uniform,
    weighted,
)
from pgcontract.probes.row_generation.text_generators import text_candidates
from pgcontract.probes.row_generation.value_candidates import CandidateGenerator, Hints, random_hex, random_uuid, wrapped
from pgcontract.probes.row_generation.value_types import ValueType

SINCE, UNTIL = "2025-01-01", "2026-01-01"
_INTEGERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**32 - 1}
_JSON = ("""'{{"n": ' || {0} || '}}'""", "'[' || {0} || ']'", "{0}::text")
# Of each type SQL for a value, with the row's number at {0}.
_BY_NUMBER = {
    "json": _JSON,
    "jsonb": _JSON,
    "inet": ("('10.0.0.0'::inet + {0})::text",),
    "cidr": ("('10.0.0.0'::inet + {0})::text",),
    "point": ("pg_catalog.point({0}, 0)",),
    "box": ("'((' || {0} || ',0),(' || {0} || '.5,1))'",),
    "circle": ("'<(' || {0} || ',0),0.4>'",),
    "lseg": ("'[(' || {0} || ',0),(' || {0} || ',1)]'",),
    "path": ("'[(' || {0} || ',0),(' || {0} || ',1)]'",),
    "polygon": ("'((' || {0} || ',0),(' || {0} || '.5,0),(' || {0} || ',1))'",),
    "line": ("'{{1,-1,' || {0} || '}}'",),
    "tsvector": ("pg_catalog.to_tsvector('simple', 'word' || {0})",),
    "xml": ("'<a>' || {0} || '</a>'",),
    "hstore": ("'n=>' || {0}",),
}


def unique_candidates(type_: ValueType, value_seed: ValueSeed, hints: Hints) -> Iterator[CandidateGenerator]:
    """Generators of a unique value for each number."""
    match type_.form, type_.typname, type_.category:
        case "enum", _, _:
            labels = type_.labels
            yield CandidateGenerator(make=lambda n: nth(labels, n), max_distinct=len(labels))
        case "range" | "multirange", *_:
            yield from _ranges(type_, value_seed, hints)
        case "array", *_:
            for element in unique_candidates(type_.parts[0], value_seed, hints):
                yield CandidateGenerator(make=wrapped("ARRAY[{}]", element.make), max_distinct=element.max_distinct)
        case "composite", *_:
            yield from _composite(type_, value_seed, hints, unique=True)
        case _, ("bool"), _:
            yield CandidateGenerator(make=lambda n: sql.SQL("({} % 2 = 0)").format(n), max_distinct=2)
        case _, ("int2" | "int4" | "int8" | "oid"), _:
            yield CandidateGenerator(make=lambda n: n, max_distinct=_INTEGERS[type_.typname])
            for low in hints.numbers:
                yield CandidateGenerator(make=_template("({0} + {1})", int(low)))
                yield CandidateGenerator(make=_template("({1} - {0})", int(low)))
            yield CandidateGenerator(make=lambda n: sql.SQL("(-{})").format(n))
        case _, ("numeric" | "float4" | "float8" | "money" | "xid8"), _:
            scale = _scale(type_)
            if scale:
                yield CandidateGenerator(make=lambda n: sql.SQL("({}::numeric / {})").format(n, sql.Literal(10**scale)))
            yield CandidateGenerator(make=lambda n: sql.SQL("{}::text::{}").format(n, sql.SQL(type_.name)))
        case _, "uuid", _:
            yield CandidateGenerator(make=random_uuid(value_seed))
        case _, ("timestamptz" | "timestamp" | "date" | "time" | "timetz" | "interval"), _:
            yield from _times(type_, value_seed, hints, unique=True)
        case _, "bytea", _:
            yield CandidateGenerator(make=wrapped("pg_catalog.decode({}, 'hex')", random_hex(value_seed)))
        case _, ("macaddr" | "macaddr8"), _:
            width = 12 if type_.typname == "macaddr" else 16
            yield CandidateGenerator(
                make=lambda n: sql.SQL("pg_catalog.lpad(pg_catalog.to_hex({}), {}, '0')").format(n, sql.Literal(width))
            )
        case _, ("bit" | "varbit"), _:
            width = type_.length or 64
            yield CandidateGenerator(
                make=lambda n: sql.SQL("{}::bit({})").format(n, sql.Literal(width)), max_distinct=2 ** min(width, 62)
            )
        case _, name, _ if name in _BY_NUMBER:
            yield from (CandidateGenerator(make=_template(text)) for text in _BY_NUMBER[name])
        case _:
            yield from text_candidates(type_, value_seed, hints)


def repeating_candidates(type_: ValueType, value_seed: ValueSeed, hints: Hints) -> Iterator[CandidateGenerator]:
    """Generators of values that may repeat, as real data does."""
    salt = value_seed.salt("value")
    match type_.form, type_.typname, type_.category:
        case "enum", _, _:
            yield _one_of(type_.labels, salt)
        case "array", *_:
            for element in repeating_candidates(type_.parts[0], value_seed, hints):
                yield CandidateGenerator(make=wrapped("ARRAY[{}]", element.make))
        case "composite", *_:
            yield from _composite(type_, value_seed, hints, unique=False)
        case _, "bool", _:
            yield CandidateGenerator(make=lambda n: sql.SQL("({} < 0.5)").format(uniform(n, salt)))
            yield from (_one_of((literal,), salt) for literal in ("true", "false"))
        case _, ("int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8" | "money"), _:
            yield from _numbers(type_, salt, hints)
        case _, ("timestamptz" | "timestamp" | "date" | "time" | "timetz" | "interval"), _:
            yield from _times(type_, value_seed, hints, unique=False)
        case _, ("json" | "jsonb"), _:
            yield CandidateGenerator(make=_json_form(value_seed))
            yield from unique_candidates(type_, value_seed, hints)
        case _, _, "S":
            if len(hints.literals) > 1:
                yield _one_of(hints.literals, salt)
            yield from text_candidates(type_, value_seed, hints)
            yield from (_one_of((text,), salt) for text in (*hints.texts, *hints.literals))
        case _:
            yield from unique_candidates(type_, value_seed, hints)


def _one_of(values: Sequence[str], salt: int) -> CandidateGenerator:
    return CandidateGenerator(
        make=lambda n: weighted(n, salt, [(sql.Literal(value), 1.0) for value in values]), max_distinct=len(values)
    )


def nth(values: Sequence[str], n: Number) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Literal, values))
    return sql.SQL("(ARRAY[{}])[(1 + ({} - 1) % {})::int]").format(listed, n, sql.Literal(len(values)))


def _template(text: str, *values: object) -> MakeSql:
    """SQL with the number at {0} and the values behind it."""
    return lambda n: sql.SQL(text).format(n, *map(sql.Literal, values))


def _json_form(value_seed: ValueSeed) -> MakeSql:
    """A JSON object of three keys, some 150 characters long."""
    take = filler(value_seed, 120)

    def make(n: Number) -> sql.Composed:
        text = """'{{"number": ' || {} || ', "kind": "k' || {} || '", "text": "' || {} || '"}}'"""
        return sql.SQL(text).format(n, integer_between(n, value_seed.salt("kind"), 1, 20), take(n, sql.Literal(120)))

    return make


def _scale(type_: ValueType) -> int:
    return type_.modifier - 4 & 0x7FF if type_.typname == "numeric" and type_.modifier >= 4 else 0


def _numbers(type_: ValueType, salt: int, hints: Hints) -> Iterator[CandidateGenerator]:
    exact = type_.typname in _INTEGERS
    scale = 0 if exact else _scale(type_) if type_.typname == "numeric" and type_.modifier >= 4 else 2
    top = 1000
    if type_.typname == "numeric" and type_.modifier >= 4:
        top = max(min(1000, 10 ** ((type_.modifier - 4 >> 16) - scale) - 1), 1)
    known = hints.numbers
    spans: list[tuple[float, float]] = [(1, top)]
    if known:
        low, high = known[0], known[-1]
        spans += [(low, high), (low + 1, high - 1)] if low < high else []
        spans += [(1, high), (0, high), (1, high - 1)] if high > 1 else []
        spans += [(low, low + top), (low + 1, low + top), (high - top, high), (high - top, high - 1), (high, high + top)]
        spans += [(low, low), (high, high)]
    spans += [(0, 1), (0, 0), (1, 1), (-top, -1)]
    for low, high in spans:
        if low <= high:
            yield CandidateGenerator(make=_number(salt, low, high, scale))


def _number(salt: int, low: float, high: float, scale: int) -> MakeSql:
    if scale == 0:
        return lambda n: integer_between(n, salt, int(low), int(high))
    return lambda n: sql.SQL("pg_catalog.round(({} + {} * {})::numeric, {})").format(
        sql.Literal(low), uniform(n, salt), sql.Literal(high - low), sql.Literal(scale)
    )


def _times(type_: ValueType, value_seed: ValueSeed, hints: Hints, *, unique: bool) -> Iterator[CandidateGenerator]:
    salt, word = value_seed.salt("value"), type_.typname
    known = hints.times
    spans = [(SINCE, UNTIL), *([(known[0], known[-1])] if len(known) > 1 else [])]
    spans += [(known[0], "2030-01-01"), ("2000-01-01", known[-1])] if known else []
    if word in ("time", "timetz"):
        yield CandidateGenerator(make=lambda n: sql.SQL("('00:00'::time + {} * interval '1 microsecond')").format(n))
    elif word == "interval":
        yield CandidateGenerator(make=lambda n: sql.SQL("({} * interval '1 second')").format(n))
    elif unique and word == "date":
        for first in (SINCE, *known):
            yield CandidateGenerator(make=_template("({1}::date + {0}::int)", first), max_distinct=2**20)
    elif unique:
        for first in (SINCE, *known):
            yield CandidateGenerator(make=_template(f"({{1}}::timestamptz + {{0}} * interval '1 second')::{word}", first))
    else:
        for since, until in spans:
            if since < until:
                yield CandidateGenerator(make=_span(salt, hints.rows, since, until, word))


def _span(salt: int, rows: int, since: str, until: str, word: str) -> MakeSql:
    return lambda n: timestamp_between(n, salt, rows=rows, since=since, until=until, word=word)


def _ranges(type_: ValueType, value_seed: ValueSeed, hints: Hints) -> Iterator[CandidateGenerator]:
    """Ranges that do not touch: from each value of the bound's type to just before the next."""
    bound = type_.parts[0]
    if type_.form == "multirange":
        bound = bound if bound.form != "range" else bound.parts[0]
    for candidate in unique_candidates(bound, value_seed, hints):
        lower = _cast(candidate.make, bound.name)

        def make(n: Number, lower: MakeSql = lower) -> sql.Composed:
            after = sql.SQL("({} + 1)").format(n)
            return sql.SQL("'[' || {} || ',' || {} || ')'").format(lower(n), lower(after))

        if type_.form == "multirange":
            yield CandidateGenerator(make=wrapped("'{{' || {} || '}}'", make))
        else:
            yield CandidateGenerator(make=make)


def _cast(make: MakeSql, name: str) -> MakeSql:
    return lambda n: sql.SQL("({})::{}").format(make(n), sql.SQL(name))


def _composite(type_: ValueType, value_seed: ValueSeed, hints: Hints, *, unique: bool) -> Iterator[CandidateGenerator]:
    makes = []
    for number, part in enumerate(type_.parts):
        inside = ValueSeed(seed=value_seed.seed, table=value_seed.table, column=f"{value_seed.column}.{number}")
        first = next(iter((unique_candidates if unique else repeating_candidates)(part, inside, Hints(rows=hints.rows))))
        makes.append(_cast(first.make, part.name))
    yield CandidateGenerator(make=lambda n: sql.SQL("ROW({})").format(sql.SQL(", ").join(make(n) for make in makes)))
