"""What an index's elements and a check's expression stand on, and what PostgreSQL calls each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgcontract.model.sql.identifiers import MAX_NAME_BYTES, cut, fold
from pgcontract.model.sql.lexer import Kind, Token
from pgcontract.model.sql.token_cursor import Cursor

# The grammar turns these into functions of other names.
_FUNCTION_NAMES = {"trim": "btrim"}
_TYPE_NAMES = {
    "int": "int4",
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "real": "float4",
    "double": "float8",
    "boolean": "bool",
    "character": "bpchar",
    "char": "bpchar",
    "decimal": "numeric",
}


def index_keys(elements: Iterable[Cursor]) -> tuple[str, ...]:
    """The columns of an index as ChooseIndexColumnNames names them: `email`, `lower`, `expr`, `expr1`."""
    names: list[str] = []
    for element in elements:
        origin = name = _key(element)
        turn = 0
        while name in names:
            turn += 1
            name = cut(origin, MAX_NAME_BYTES - len(str(turn))) + str(turn)
        names.append(name)
    return tuple(names)


def mentioned(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Every name in an expression that could be a column, once each, in order."""
    names: dict[str, None] = {}
    for at, token in enumerate(tokens):
        follows = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if token.kind in (Kind.WORD, Kind.QUOTED) and follows not in ("(", "."):
            names[fold(token)] = None
    return tuple(names)


def _key(element: Cursor) -> str:
    if element.peek() == "(":
        return _figure(element.group().tokens) or "expr"
    if element.peek() == "PERIOD" and element.peek(1):
        element.next()
    path = element.path()
    if element.peek() == "(":
        return _FUNCTION_NAMES.get(path[-1], path[-1])
    return path[-1]


def _figure(tokens: Sequence[Token]) -> str | None:
    """The name FigureColname gives to an expression; None where it finds none.

    A column or function names the expression, through casts and collations; a bare cast is named after its type.
    """
    at = Cursor(tokens)
    if at.peek() == "(":
        inner = at.group()
        if not at:
            return _figure(inner.tokens)
        at.at = 0
    if (cast := _last_cast(tokens)) is not None:
        kind = Cursor(tokens[cast + 1 :])
        return _figure(tokens[:cast]) or _type_name(kind)
    if at.takes("CAST"):
        inner = at.group()
        inner.seek("AS")
        source, inner.at = tokens[2 : 2 + inner.at], inner.at + 1
        return (_figure(source) or _type_name(inner)) if not at else None
    if at.takes("CASE"):
        has_else = at.seek("ELSE") == "ELSE"
        return (_figure(tokens[at.at + 1 : -1]) if has_else else None) or "case"
    if not at or at.tokens[0].kind not in (Kind.WORD, Kind.QUOTED):
        return None
    name = at.path()[-1]
    if at.peek() == "(":
        at.group()
        name = _FUNCTION_NAMES.get(name, name)
    while at.peek() == "[":
        at.seek("]")
        at.next()
    if at.takes("AT", "TIME", "ZONE"):
        return "timezone"
    if at.takes("COLLATE"):
        at.path()
    return None if at else name


def _last_cast(tokens: Sequence[Token]) -> int | None:
    """Where the outermost `::` stands, if nothing but a cast is outermost."""
    at, cast = Cursor(tokens), None
    while at:
        token = at.tokens[at.at]
        if token.text == "::":
            cast = at.at
        elif token.kind is Kind.MARK and token.text not in ("(", ".", "[", "]"):
            return None
        at.skip()
    return cast


def _type_name(at: Cursor) -> str:
    """A type as the grammar names it: `int4` for integer, without its schema."""
    name = at.path()[-1]
    if name in ("timestamp", "time") and at.takes("WITH", "TIME", "ZONE"):
        return f"{name}tz"
    if name in ("character", "char") and at.takes("VARYING"):
        return "varchar"
    return _TYPE_NAMES.get(name, name)
