"""The columns that index elements and check expressions use, and the names PostgreSQL generates from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pgcontract.model.identifiers import MAX_NAME_BYTES, truncate_name
from pgcontract.model.sql.lexer import Token, TokenKind
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
            name = truncate_name(origin, MAX_NAME_BYTES - len(str(turn))) + str(turn)
        names.append(name)
    return tuple(names)


def possible_columns(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Every name in an expression that could be a column, once each, in order."""
    names: dict[str, None] = {}
    for cursor, token in enumerate(tokens):
        follows = tokens[cursor + 1].text if cursor + 1 < len(tokens) else ""
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and follows not in ("(", "."):
            names[token.name] = None
    return tuple(names)


def _key(element: Cursor) -> str:
    if element.peek() == "(":
        return _expression_name(element.group().tokens) or "expr"
    if element.peek() == "PERIOD" and element.peek(1):
        element.next()
    name = element.path().name
    return _FUNCTION_NAMES.get(name, name) if element.peek() == "(" else name


def _expression_name(tokens: Sequence[Token]) -> str | None:
    """The name FigureColname gives to an expression; None where it finds none.

    A column or function names the expression, through casts and collations; a bare cast is named after its type.
    """
    cursor = Cursor(tokens)
    if cursor.peek() == "(":
        inner = cursor.group()
        if not cursor:
            return _expression_name(inner.tokens)
        cursor.position = 0
    if (cast := _last_cast(tokens)) is not None:
        kind = Cursor(tokens[cast + 1 :])
        return _expression_name(tokens[:cast]) or _type_name(kind)
    if cursor.consume("CAST"):
        inner = cursor.group()
        inner.seek("AS")
        source, inner.position = tokens[2 : 2 + inner.position], inner.position + 1
        return (_expression_name(source) or _type_name(inner)) if not cursor else None
    if cursor.consume("CASE"):
        has_else = cursor.seek("ELSE") == "ELSE"
        return (_expression_name(tokens[cursor.position + 1 : -1]) if has_else else None) or "case"
    if not cursor or cursor.tokens[0].kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return None
    name = cursor.path().name
    if cursor.peek() == "(":
        cursor.group()
        name = _FUNCTION_NAMES.get(name, name)
    while cursor.peek() == "[":
        cursor.seek("]")
        cursor.next()
    if cursor.consume("AT", "TIME", "ZONE"):
        return "timezone"
    if cursor.consume("COLLATE"):
        cursor.path()
    return None if cursor else name


def _last_cast(tokens: Sequence[Token]) -> int | None:
    """Where the outermost `::` stands, if nothing but a cast is outermost."""
    cursor, cast = Cursor(tokens), None
    while cursor:
        token = cursor.tokens[cursor.position]
        if token.text == "::":
            cast = cursor.position
        elif token.kind is TokenKind.MARK and token.text not in ("(", ".", "[", "]"):
            return None
        cursor.skip()
    return cast


def _type_name(cursor: Cursor) -> str:
    """A type as the grammar names it: `int4` for integer, without its schema."""
    name = cursor.path().name
    if name in ("timestamp", "time") and cursor.consume("WITH", "TIME", "ZONE"):
        return f"{name}tz"
    if name in ("character", "char") and cursor.consume("VARYING"):
        return "varchar"
    return _TYPE_NAMES.get(name, name)
