"""Type names as format_type spells them without modifiers, and the input types of a function's argument list."""

from __future__ import annotations

from collections.abc import Callable

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import TokenKind
from pgcontract.model.sql.token_cursor import Cursor

_SPELLINGS = {
    "bool": "boolean",
    "int8": "bigint",
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "float4": "real",
    "float8": "double precision",
    "decimal": "numeric",
    "dec": "numeric",
    "bpchar": "character",
    "nchar": "character",
    "varchar": "character varying",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varbit": "bit varying",
    "any": '"any"',
}
_SERIALS = frozenset({"serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"})
# Every type of pg_catalog a definition is likely to name, of PostgreSQL 18; others are looked for on the search path.
_BUILT_IN_NAMES = """
    aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray
    anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange bigint bit boolean box bytea
    character cid cidr circle cstring date datemultirange daterange event_trigger fdw_handler float gtsvector
    index_am_handler inet int2vector int4multirange int4range int8multirange int8range integer internal interval
    json jsonb jsonpath language_handler line lseg macaddr macaddr8 money name numeric nummultirange numrange
    oid oidvector path pg_lsn pg_snapshot point polygon real record refcursor regclass regcollation regconfig
    regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype smallint
    table_am_handler text tid trigger tsm_handler tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector
    txid_snapshot unknown uuid void xid xid8 xml
"""
_BUILT_IN = frozenset(_BUILT_IN_NAMES.split())
_MODES = ("IN", "OUT", "INOUT", "VARIADIC")

# The spelling of a type that is not PostgreSQL's own.
TypeLookup = Callable[[QualifiedName], str]


def is_serial(column: Cursor) -> bool:
    """Whether the type that stands here makes a sequence."""
    return column.peek().lower() in _SERIALS


def read_type(cursor: Cursor, lookup: TypeLookup) -> str:
    """The type that stands here, spelled as format_type(oid, NULL) spells it."""
    cursor.consume("SETOF")
    word_only = cursor.tokens[cursor.position].kind is TokenKind.WORD if cursor else False
    path = cursor.path()
    if path.schema == "pg_catalog":
        path = QualifiedName.of(path.name)
    name = path.name
    if path.schema or not (name in _SPELLINGS or name in _BUILT_IN or name in ("char", "double", "national")):
        spelling = lookup(path)
    elif not word_only and name == "char":
        spelling = '"char"'
    else:
        spelling = _built_in(name, cursor)
    if cursor.consume("%", "TYPE"):
        spelling += "%TYPE"
    return spelling + _brackets(cursor)


def input_types(arguments: Cursor, lookup: TypeLookup) -> tuple[str, ...]:
    """The types of IN, INOUT and VARIADIC arguments in order: these identify an overloaded function."""
    types: list[str] = []
    for part in arguments.parts():
        if part.consume("*"):
            continue
        mode = _mode(part)
        start = part.position
        spelling = read_type(part, lookup)
        if part and part.peek() not in ("DEFAULT", "=", ":="):
            # What was read was the argument's name; its mode may also stand behind it.
            part.position = start
            part.name()
            mode = mode or _mode(part)
            spelling = read_type(part, lookup)
        if mode != "OUT":
            types.append(spelling)
    return tuple(types)


def _mode(part: Cursor) -> str:
    mode = part.consume_any(*_MODES)
    return "INOUT" if mode == "IN" and part.consume("OUT") else mode


def _built_in(name: str, cursor: Cursor) -> str:
    if name == "national":
        cursor.consume_any("CHARACTER", "CHAR")
        name = "character"
    if name == "float":
        bits = int(cursor.group().peek()) if cursor.peek() == "(" else 53
        return "real" if bits <= 24 else "double precision"
    if name == "double":
        cursor.consume("PRECISION")
        return "double precision"
    varying = name in ("character", "char", "nchar", "bit") and cursor.consume("VARYING")
    if cursor.peek() == "(":
        cursor.group()
    if name in ("time", "timestamp"):
        if cursor.consume("WITH", "TIME", "ZONE"):
            return f"{name} with time zone"
        cursor.consume("WITHOUT", "TIME", "ZONE")
    if name == "interval":
        while cursor.consume_any("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"):
            pass
        if cursor.peek() == "(":
            cursor.group()
    if name == "char":
        name = "character"
    return f"{name} varying" if varying else _SPELLINGS.get(name, name)


def _brackets(cursor: Cursor) -> str:
    array = cursor.consume("ARRAY")
    while cursor.consume("["):
        array = True
        cursor.seek("]")
        cursor.consume("]")
    return "[]" if array else ""
