"""Values that a type suggests, as SQL over a row's number, the likeliest first; whether a table takes them is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from pgcontract.performance.loading.json_documents import filler
from pgcontract.performance.loading.row_numbers import Make, Number, Place, moment, uniform, weighted, whole
from pgcontract.performance.loading.target_tables import ValueType

SINCE, UNTIL = "2025-01-01", "2026-01-01"
_INTEGERS = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**32 - 1}
_WORD = re.compile(r"[A-Za-z]+")
_RUN = re.compile(r"\d+|[a-z]+|[A-Z]+")
_TEXTS = (
    "{}", "user{}@example.com", "https://example.com/{}", "a{}", "A{}", "+1555{}", "/{}", "example{}.com", "#{}",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to make a column's values; `most` is how many different ones there are, None: as many as rows."""

    make: Make
    most: int | None = None
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What is known of a column's values: `texts` that were seen to pass, `literals` of its CHECKs, in their order."""

    texts: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    rows: int = 1

    @property
    def numbers(self) -> tuple[float, ...]:
        return tuple(sorted({float(each) for each in self.literals if re.fullmatch(r"-?\d+(\.\d+)?", each)}))

    @property
    def times(self) -> tuple[str, ...]:
        return tuple(sorted({each for each in self.literals if re.match(r"\d{4}-\d\d-\d\d", each)}))


def different(type_: ValueType, place: Place, hints: Hints) -> Iterator[Candidate]:
    """Ways to make another value for each number."""
    match type_.form, type_.word, type_.category:
        case "enum", _, _:
            labels = type_.labels
            yield Candidate(make=lambda n: _nth(labels, n), most=len(labels))
        case "range", *_:
            yield from _around(type_, place, hints, "{}({}, {})")
        case "multirange", *_:
            yield from _around(type_, place, hints, "{}(({}, {}))")
        case "array", *_:
            for each in different(type_.parts[0], place, hints):
                yield Candidate(make=_wrapped("ARRAY[{}]", each.make), most=each.most)
        case "composite", *_:
            yield from _composite(type_, place, hints, unique=True)
        case _, ("bool"), _:
            yield Candidate(make=lambda n: sql.SQL("({} % 2 = 0)").format(n), most=2)
        case _, ("int2" | "int4" | "int8" | "oid"), _:
            yield Candidate(make=lambda n: n, most=_INTEGERS[type_.word])
            for low in hints.numbers:
                yield Candidate(make=_written("({0} + {1})", int(low)))
                yield Candidate(make=_written("({1} - {0})", int(low)))
            yield Candidate(make=lambda n: sql.SQL("(-{})").format(n))
        case _, ("numeric" | "float4" | "float8" | "money" | "xid8"), _:
            scale = _scale(type_)
            if scale:
                yield Candidate(make=lambda n: sql.SQL("({}::numeric / {})").format(n, sql.Literal(10**scale)))
            yield Candidate(make=lambda n: sql.SQL("{}::text::{}").format(n, sql.SQL(type_.name)))
        case _, "uuid", _:
            yield Candidate(make=_uuid(place))
        case _, ("timestamptz" | "timestamp" | "date" | "time" | "timetz" | "interval"), _:
            yield from _times(type_, place, hints, unique=True)
        case _, ("json" | "jsonb"), _:
            yield Candidate(make=lambda n: sql.SQL("""'{{"n": ' || {} || '}}'""").format(n))
            yield Candidate(make=lambda n: sql.SQL("'[' || {} || ']'").format(n))
            yield Candidate(make=lambda n: sql.SQL("{}::text").format(n))
        case _, "bytea", _:
            yield Candidate(make=_wrapped("pg_catalog.decode({}, 'hex')", _hex(place)))
        case _, ("inet" | "cidr"), _:
            yield Candidate(make=lambda n: sql.SQL("('10.0.0.0'::inet + {})::text").format(n))
        case _, ("macaddr" | "macaddr8"), _:
            width = 12 if type_.word == "macaddr" else 16
            yield Candidate(
                make=lambda n: sql.SQL("pg_catalog.lpad(pg_catalog.to_hex({}), {}, '0')").format(n, sql.Literal(width))
            )
        case _, ("bit" | "varbit"), _:
            width = type_.length or 64
            yield Candidate(make=lambda n: sql.SQL("{}::bit({})").format(n, sql.Literal(width)), most=2 ** min(width, 62))
        case _, "point", _:
            yield Candidate(make=lambda n: sql.SQL("pg_catalog.point({}, 0)").format(n))
        case _, ("box" | "circle" | "lseg" | "path" | "polygon" | "line"), _:
            yield from _shapes(type_)
        case _, "tsvector", _:
            yield Candidate(make=lambda n: sql.SQL("pg_catalog.to_tsvector('simple', 'word' || {})").format(n))
        case _, "xml", _:
            yield Candidate(make=lambda n: sql.SQL("'<a>' || {} || '</a>'").format(n))
        case _, "hstore", _:
            yield Candidate(make=lambda n: sql.SQL("'n=>' || {}").format(n))
        case _:
            yield from _texts(type_, place, hints)


def varied(type_: ValueType, place: Place, hints: Hints) -> Iterator[Candidate]:
    """Ways to make values that may come again, as people's data does."""
    salt = place.salt("value")
    match type_.form, type_.word, type_.category:
        case "enum", _, _:
            yield _one_of(type_.labels, salt)
        case "array", *_:
            for each in varied(type_.parts[0], place, hints):
                yield Candidate(make=_wrapped("ARRAY[{}]", each.make))
        case "composite", *_:
            yield from _composite(type_, place, hints, unique=False)
        case _, "bool", _:
            yield Candidate(make=lambda n: sql.SQL("({} < 0.5)").format(uniform(n, salt)))
            yield from (_one_of((each,), salt) for each in ("true", "false"))
        case _, ("int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8" | "money"), _:
            yield from _numbers(type_, salt, hints)
        case _, ("timestamptz" | "timestamp" | "date" | "time" | "timetz" | "interval"), _:
            yield from _times(type_, place, hints, unique=False)
        case _, ("json" | "jsonb"), _:
            yield Candidate(make=_form(place))
            yield from different(type_, place, hints)
        case _, _, "S":
            if len(hints.literals) > 1:
                yield _one_of(hints.literals, salt)
            yield from _texts(type_, place, hints)
            yield from (_one_of((each,), salt) for each in (*hints.texts, *hints.literals))
        case _:
            yield from different(type_, place, hints)


def _one_of(values: Sequence[str], salt: int) -> Candidate:
    return Candidate(make=lambda n: weighted(n, salt, [(sql.Literal(each), 1.0) for each in values]), most=len(values))


def _nth(values: Sequence[str], n: Number) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Literal, values))
    return sql.SQL("(ARRAY[{}])[(1 + ({} - 1) % {})::int]").format(listed, n, sql.Literal(len(values)))


def _written(text: str, *values: object) -> Make:
    """SQL with the number at {0} and the values behind it."""
    return lambda n: sql.SQL(text).format(n, *map(sql.Literal, values))


def _wrapped(text: str, make: Make) -> Make:
    return lambda n: sql.SQL(text).format(make(n))


def _hex(place: Place, purpose: str = "value") -> Make:
    salt = sql.Literal(f"{place.salt(purpose)}/")
    return lambda n: sql.SQL("pg_catalog.md5({} || {})").format(salt, n)


def _form(place: Place) -> Make:
    """A JSON object of three keys, as long as a short form."""
    take = filler(place, 120)

    def make(n: Number) -> sql.Composed:
        text = """'{{"number": ' || {} || ', "kind": "k' || {} || '", "text": "' || {} || '"}}'"""
        return sql.SQL(text).format(n, whole(n, place.salt("kind"), 1, 20), take(n, sql.Literal(120)))

    return make


def _uuid(place: Place) -> Make:
    """Random but for the four bits of version and variant (RFC 9562, 5.4)."""
    made = "pg_catalog.overlay(pg_catalog.overlay({} placing '4' from 13) placing '8' from 17)"
    return _wrapped(made.replace("pg_catalog.overlay", "overlay"), _hex(place))


def _scale(type_: ValueType) -> int:
    return type_.modifier - 4 & 0x7FF if type_.word == "numeric" and type_.modifier >= 4 else 0


def _numbers(type_: ValueType, salt: int, hints: Hints) -> Iterator[Candidate]:
    exact = type_.word in _INTEGERS
    scale = 0 if exact else _scale(type_) if type_.word == "numeric" and type_.modifier >= 4 else 2
    top = 1000
    if type_.word == "numeric" and type_.modifier >= 4:
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
            yield Candidate(make=_number(salt, low, high, scale))


def _number(salt: int, low: float, high: float, scale: int) -> Make:
    if scale == 0:
        return lambda n: whole(n, salt, int(low), int(high))
    return lambda n: sql.SQL("pg_catalog.round(({} + {} * {})::numeric, {})").format(
        sql.Literal(low), uniform(n, salt), sql.Literal(high - low), sql.Literal(scale)
    )


def _times(type_: ValueType, place: Place, hints: Hints, *, unique: bool) -> Iterator[Candidate]:
    salt, word = place.salt("value"), type_.word
    known = hints.times
    spans = [(SINCE, UNTIL), *([(known[0], known[-1])] if len(known) > 1 else [])]
    spans += [(known[0], "2030-01-01"), ("2000-01-01", known[-1])] if known else []
    if word in ("time", "timetz"):
        yield Candidate(make=lambda n: sql.SQL("('00:00'::time + {} * interval '1 microsecond')").format(n))
    elif word == "interval":
        yield Candidate(make=lambda n: sql.SQL("({} * interval '1 second')").format(n))
    elif unique and word == "date":
        for first in (SINCE, *known):
            yield Candidate(make=_written("({1}::date + {0}::int)", first), most=2**20)
    elif unique:
        for first in (SINCE, *known):
            yield Candidate(make=_written(f"({{1}}::timestamptz + {{0}} * interval '1 second')::{word}", first))
    else:
        for since, until in spans:
            if since < until:
                yield Candidate(make=_span(salt, hints.rows, since, until, word))


def _span(salt: int, rows: int, since: str, until: str, word: str) -> Make:
    return lambda n: moment(n, salt, rows=rows, since=since, until=until, word=word)


def _around(type_: ValueType, place: Place, hints: Hints, text: str) -> Iterator[Candidate]:
    """Ranges that do not touch: from each value of the bound's type to just before the next."""
    bound = type_.parts[0]
    if type_.form == "multirange":
        bound = bound if bound.form != "range" else bound.parts[0]
    for each in different(bound, place, hints):
        lower = _cast(each.make, bound.name)

        def make(n: Number, lower: Make = lower) -> sql.Composed:
            after = sql.SQL("({} + 1)").format(n)
            return sql.SQL("'[' || {} || ',' || {} || ')'").format(lower(n), lower(after))

        if type_.form == "multirange":
            yield Candidate(make=_wrapped("'{{' || {} || '}}'", make))
        else:
            yield Candidate(make=make)


def _cast(make: Make, name: str) -> Make:
    return lambda n: sql.SQL("({})::{}").format(make(n), sql.SQL(name))


def _composite(type_: ValueType, place: Place, hints: Hints, *, unique: bool) -> Iterator[Candidate]:
    makes = []
    for number, part in enumerate(type_.parts):
        inside = Place(seed=place.seed, table=place.table, column=f"{place.column}.{number}")
        first = next(iter((different if unique else varied)(part, inside, Hints(rows=hints.rows))))
        makes.append(_cast(first.make, part.name))
    yield Candidate(make=lambda n: sql.SQL("ROW({})").format(sql.SQL(", ").join(make(n) for make in makes)))


def _shapes(type_: ValueType) -> Iterator[Candidate]:
    texts = {
        "box": "'((' || {0} || ',0),(' || {0} || '.5,1))'",
        "circle": "'<(' || {0} || ',0),0.4>'",
        "lseg": "'[(' || {0} || ',0),(' || {0} || ',1)]'",
        "path": "'[(' || {0} || ',0),(' || {0} || ',1)]'",
        "polygon": "'((' || {0} || ',0),(' || {0} || '.5,0),(' || {0} || ',1))'",
        "line": "'{{1,-1,' || {0} || '}}'",
    }
    text = texts[type_.word]
    yield Candidate(make=lambda n: sql.SQL(text).format(n))


def _texts(type_: ValueType, place: Place, hints: Hints) -> Iterator[Candidate]:
    """Texts with the number in them, near what was seen to pass; then the column's name, then the usual kinds."""
    room = type_.length
    for text in hints.texts:
        for make, most in _numbered(text):
            yield Candidate(make=make, most=most)
    named = re.sub(r"\W+", "-", place.column.strip().lower())
    for template in (f"{named}-{{}}", *_TEXTS):
        if room is None or len(template) - 2 + len(str(hints.rows)) <= room:
            before, _, behind = template.partition("{}")
            yield Candidate(make=_between(before, behind))
    yield Candidate(make=_hex(place))
    yield Candidate(make=_wrapped("{}::uuid::text", _uuid(place)))
    if room is not None:
        yield Candidate(
            make=lambda n: sql.SQL("pg_catalog.lpad(pg_catalog.to_hex({}), {}, '0')").format(
                n, sql.Literal(min(room, 16))
            ),
            most=16 ** min(room, 15),
        )


def _between(before: str, behind: str) -> Make:
    return lambda n: sql.SQL("{} || {} || {}").format(sql.Literal(before), n, sql.Literal(behind))


def _numbered(text: str) -> Iterator[tuple[Make, int | None]]:
    """The text with the number behind one of its words, or, as wide as they are, in place of some digits or letters."""
    ends = [word.end() for word in _WORD.finditer(text)]
    for end in dict.fromkeys((*ends, len(text))):
        yield _between(text[:end], text[end:]), None
    for run in sorted(_RUN.finditer(text), key=lambda run: (not run[0].isdigit(), -len(run[0]))):
        before, behind, width = text[: run.start()], text[run.end() :], len(run[0])
        yield _fixed(before, behind, width, run[0]), 10**width


def _fixed(before: str, behind: str, width: int, run: str) -> Make:
    digits = "0123456789" if run.isdigit() else "abcdefghij" if run.islower() else "ABCDEFGHIJ"

    def make(n: Number) -> sql.Composed:
        number = sql.SQL("pg_catalog.lpad(({} % {})::text, {}, '0')").format(
            n, sql.Literal(10**width), sql.Literal(width)
        )
        if not run.isdigit():
            number = sql.SQL("pg_catalog.translate({}, '0123456789', {})").format(number, sql.Literal(digits))
        return sql.SQL("{} || {} || {}").format(sql.Literal(before), number, sql.Literal(behind))

    return make
