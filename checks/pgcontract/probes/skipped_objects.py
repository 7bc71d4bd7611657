"""What the chain makes a second time with IF NOT EXISTS, or behind a guard, in another shape, so that it was skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.contract import Project
from pgcontract.model.identifiers import quote_identifier, read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Origin
from pgcontract.model.sql import inventory
from pgcontract.model.sql.lexer import tokens, without_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_MOST: Final = 40
_PART: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAME: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_MAKES: Final = lazy_pattern(
    rf"\s*CREATE\s+(?:(?:UNLOGGED|UNIQUE|MATERIALIZED)\s+)*(?P<kind>TABLE|INDEX|VIEW|SEQUENCE)\s+(?:CONCURRENTLY\s+)?"
    rf"(?P<guard>IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_INDEXED: Final = lazy_pattern(rf"\s*ON\s+(?:ONLY\s+)?(?P<table>{_NAME})", re.IGNORECASE)
_ALTERS: Final = lazy_pattern(
    rf"\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<table>{_NAME})\s+(?=ADD\b)", re.IGNORECASE
)
_ADDS: Final = lazy_pattern(
    rf"ADD\s+(?:COLUMN\s+)?IF\s+NOT\s+EXISTS\s+(?P<name>{_PART})\s+(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_RETYPES: Final = lazy_pattern(
    rf"\bALTER\s+(?:COLUMN\s+)?(?P<name>{_PART})\s+(?:SET\s+DATA\s+)?(?:TYPE|SET|DROP)\b", re.I
)
_LABELS: Final = lazy_pattern(
    rf"CREATE\s+TYPE\s+(?P<name>{_NAME})\s+AS\s+ENUM\s*\((?P<labels>[^)]*)\)", re.IGNORECASE | re.DOTALL
)
_STRING: Final = lazy_pattern(r"'((?:[^']|'')*)'")
_TAKES_AWAY: Final = lazy_pattern(
    r"\b(?:DROP\s+(?:TABLE|INDEX|MATERIALIZED|VIEW|SEQUENCE|SCHEMA|TYPE)|RENAME|SET\s+SCHEMA)\b", re.I
)
# A column: its name and what is said of it. The definitions of constraints that the table has, whatever they are called.
_COLUMNS: Final = """
SELECT pg_catalog.quote_ident(a.attname), pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
       CASE WHEN a.attnotnull THEN 'NOT NULL' END)
  FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT pg_catalog.pg_get_constraintdef(c.oid), ''
  FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = %s::pg_catalog.regclass AND c.contype IN ('c', 'p', 'u', 'x', 'f')
"""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """What a later statement would have made and the server passed over: `wanted` and `there` are where they differ."""

    kind: str
    name: str
    origin: Origin
    first: Origin
    wanted: str
    there: str


@dataclass(frozen=True, kw_only=True)
class _Made:
    kind: str
    name: str
    text: str
    guarded: bool
    origin: Origin


@cached_state_fact
def skipped_objects(context: Context) -> tuple[Skipped, ...]:
    """In the order of the chain; CouldNotAsk where the head is not applied."""
    pairs = list(_second_times(context.promise.project))[:_MOST]
    if not pairs:
        return ()
    found = []
    with context.sandbox.rolled_back(context.after_state) as connection:
        for first, second in pairs:
            shapes = _shapes(connection, second)
            if shapes and (differing := _differing(*shapes)):
                wanted, there = differing
                found.append(
                    Skipped(
                        kind=second.kind,
                        name=second.name,
                        origin=second.origin,
                        first=first.origin,
                        wanted=wanted,
                        there=there,
                    )
                )
    return tuple(found)


def _second_times(project: Project) -> Iterator[tuple[_Made, _Made]]:
    """What is there and is made again in other words, where nothing that may have taken it away stands between."""
    known: dict[tuple[str, str], _Made] = {}
    columns: Mapping[str, Origin] | None = None
    for migration in project.chain:
        for statement in migration.up.statements if migration.up.parsed else ():
            text = statement.text
            if _TAKES_AWAY.search(text):
                words = set(re.findall(r"[\w$]+", without_comments(text).lower()))
                known = {
                    key: made
                    for key, made in known.items()
                    if not set(re.findall(r"[\w$]+", key[1])) & words - {"public"}
                }
            origin = Origin(file=statement.path or migration.up.path, line=statement.line)
            for made in _read(text, origin):
                key = made.kind, made.name
                if made.kind == "column":
                    columns = _first_columns(project) if columns is None else columns
                    before = columns.get(made.name)
                    lines = range(statement.line, statement.line + text.count("\n") + 1)
                    if before is not None and not (before.file == origin.file and before.line in lines):
                        yield replace(made, origin=before), made
                    continue
                earlier = known.get(key)
                if earlier is None:
                    known[key] = made
                elif made.guarded and _words(earlier.text) != _words(made.text):
                    yield earlier, made


def _words(text: str) -> str:
    return re.sub(r"\bif not exists\b|\s+", " ", without_comments(text).lower()).strip("; ")


def _read(text: str, origin: Origin) -> Iterator[_Made]:
    if match := _MAKES.match(text):
        kind, name, rest = match["kind"].lower(), _path(match["name"]), match["rest"]
        if kind == "index":
            table = _INDEXED.match(rest)
            if table is None:
                return
            name = (*_path(table["table"])[:-1], name[-1])
        if kind == "sequence":
            return
        yield _Made(kind=kind, name=_spelled(name), text=text, guarded=bool(match["guard"]), origin=origin)
        if kind == "table":
            return
    elif match := _ALTERS.match(text):
        for action in _actions(text[match.end() :]):
            if added := _ADDS.match(action):
                name = (*_path(match["table"]), read_identifier(added["name"]))
                yield _Made(kind="column", name=_spelled(name), text=added["rest"], guarded=True, origin=origin)
    elif re.match(r"\s*(?:DO|CREATE\s+TYPE)\b", text, re.IGNORECASE):
        guarded = not re.match(r"\s*CREATE", text, re.IGNORECASE)
        for match in _LABELS.finditer(without_comments(text)):
            yield _Made(kind="type", name=_spelled(_path(match["name"])), text=match[0], guarded=guarded, origin=origin)


def _actions(text: str) -> Iterator[str]:
    """The actions of an ALTER TABLE, cut at the commas between them."""
    depth = start = 0
    for token in tokens(text):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if token.text == "," and depth == 0:
            yield text[start : token.offset].strip()
            start = token.offset + 1
    yield text[start:].strip()


def _first_columns(project: Project) -> Mapping[str, Origin]:
    """Where each column is made first; those that are altered afterwards are left out."""
    first: dict[str, Origin] = {}
    altered: set[str] = set()
    for migration in project.chain:
        for created in inventory(migration.up).created:
            if created.kind == "column":
                file = created.file or migration.up.path
                first.setdefault(created.name, Origin(file=file, line=created.line))
        altered |= {read_identifier(match["name"]) for match in _RETYPES.finditer(without_comments(migration.up.text))}
    return {name: origin for name, origin in first.items() if read_identifier(split_name(name)[0][-1]) not in altered}


def _path(text: str) -> tuple[str, ...]:
    parts = tuple(read_identifier(part) for part in split_name(text)[0])
    return parts if len(parts) > 1 else ("public", *parts)


def _spelled(parts: tuple[str, ...]) -> str:
    return ".".join(map(quote_identifier, parts))


def _shapes(connection: psycopg.Connection, made: _Made) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    """What the second statement would have made by itself, and what is there; None where it cannot be made."""
    try:
        with connection.transaction(force_rollback=True):
            match made.kind:
                case "table":
                    there = _columns(connection, made.name)
                    connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.SQL(made.name)))
                    connection.execute(made.text.encode())
                    return _columns(connection, made.name), there
                case "index" | "view":
                    function = "pg_get_indexdef" if made.kind == "index" else "pg_get_viewdef"
                    query = f"SELECT pg_catalog.{function}(%s::pg_catalog.regclass)".encode()
                    there_text = connection.execute(query, [made.name]).fetchone()
                    kind = "INDEX" if made.kind == "index" else "MATERIALIZED VIEW"
                    connection.execute(f"DROP {kind} {made.name} CASCADE".encode())
                    connection.execute(re.sub(r"\bCONCURRENTLY\b", "", made.text, flags=re.IGNORECASE).encode())
                    wanted_text = connection.execute(query, [made.name]).fetchone()
                    return {_text(wanted_text): ""}, {_text(there_text): ""}
                case "column":
                    return _column_shapes(connection, made)
                case _:
                    return _label_shapes(connection, made)
    except psycopg.Error:
        return None


def _text(row: tuple[str, ...] | None) -> str:
    return " ".join(row[0].split()) if row else ""


def _columns(connection: psycopg.Connection, table: str) -> dict[str, str]:
    return dict(connection.execute(_COLUMNS, [table, table]).fetchall())


def _column_shapes(connection: psycopg.Connection, made: _Made) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    parts = split_name(made.name)[0]
    table, name = ".".join(parts[:-1]), parts[-1]
    there = {key: value for key, value in _columns(connection, table).items() if key == name}
    connection.execute("CREATE TABLE public.pgcontract_column ()")
    connection.execute(f"ALTER TABLE public.pgcontract_column ADD COLUMN {name} {made.text}".encode())
    wanted = _columns(connection, "public.pgcontract_column")
    return {name: wanted.get(name, "")}, there


def _label_shapes(connection: psycopg.Connection, made: _Made) -> tuple[Mapping[str, str], Mapping[str, str]]:
    query = "SELECT enumlabel::text FROM pg_catalog.pg_enum WHERE enumtypid = %s::pg_catalog.regtype"
    labels = {label: "" for (label,) in connection.execute(query, [made.name]).fetchall()}
    match = _LABELS.search(made.text)
    assert match is not None
    return {label.replace("''", "'"): "" for label in _STRING.findall(match["labels"])}, labels


def _differing(wanted: Mapping[str, str], there: Mapping[str, str]) -> tuple[str, str] | None:
    """The first thing that it would have made and is not there so."""
    for name, shape in wanted.items():
        if there.get(name) != shape:
            found = f"{name} {there[name]}".strip() if name in there else f"no {name}"
            return f"{name} {shape}".strip(), found
    return None
