"""The values that an INSERT, an UPDATE, a MERGE or an assignment to NEW writes, and which of them are constants. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import Token, TokenKind, tokens
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.values import dataclass

Expression = Sequence[Token]
_WORDS: Final = ("NULL", "TRUE", "FALSE", "DEFAULT")
_BRANCHES: Final = ("THEN", "ELSE")
_BEHIND_TARGETS: Final = (
    "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "OFFSET", "FETCH",
    "FOR", "ON", "RETURNING",
)  # fmt: skip
_OF_ROWS: Final = ("INSERT", "UPDATE", "MERGE", "SELECT", "DELETE")
_BEHIND_SET: Final = ("FROM", "WHERE", "RETURNING")
_ASSIGNS: Final = (":=", "=", "DEFAULT")
_STARTS: Final = (";", "DECLARE", "BEGIN", "THEN", "ELSE", "LOOP")
_MOST_TYPE_WORDS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Write:
    """One row's values. Those of an INSERT that lists no columns are `unnamed`, in the order of the table's. Of an
    assignment to NEW the table is None: it is the trigger's."""

    kind: Literal["INSERT", "UPDATE", "NEW"]
    table: QualifiedName | None
    values: Mapping[str, Expression]
    unnamed: tuple[Expression, ...] = ()


def read_writes(statement: str) -> tuple[Write, ...]:
    """The rows that the statement writes; none where it writes nothing, or is not shaped so that it can be read."""
    try:
        return tuple(_writes(Cursor(tokens(statement))))
    except Unreadable:
        return ()


def _writes(cursor: Cursor) -> Iterator[Write]:
    cursor.consume("RETURN", "QUERY")
    if cursor.consume("FOR"):  # each row that it returns
        cursor.seek("IN")
        cursor.consume("IN")
    if cursor.consume("EXECUTE") and cursor.peek().startswith("'") and cursor.peek(1) in ("", "USING", "INTO"):
        cursor = Cursor(_given_parameters(cursor.next(), cursor))
    if cursor.peek() == "WITH":
        while cursor.seek("(", *_OF_ROWS) == "(":
            yield from _writes(cursor.group())
    if cursor.consume("INSERT", "INTO"):
        table = cursor.path()
        yield from _inserted(cursor, table)
        while cursor.seek("UPDATE"):  # ON CONFLICT
            cursor.next()
            if cursor.consume("SET"):
                yield Write(kind="UPDATE", table=table, values=_set(cursor))
    elif cursor.consume("UPDATE"):
        cursor.consume("ONLY")
        table = cursor.path()
        cursor.seek("SET")
        cursor.consume("SET")
        yield Write(kind="UPDATE", table=table, values=_set(cursor))
    elif cursor.consume("MERGE", "INTO"):
        cursor.consume("ONLY")
        yield from _merged(cursor, cursor.path())
    elif cursor.consume("NEW", "."):
        name = cursor.name()
        if cursor.consume_any(":=", "="):
            yield Write(kind="NEW", table=None, values={name: cursor.tokens[cursor.position :]})


def _given_parameters(text: Token, behind: Cursor) -> Expression:
    """The tokens of a string that EXECUTE sends, with what USING gives for its parameters where that is one word."""
    behind.seek("USING")
    behind.consume("USING")
    given = {f"${number}": part.tokens for number, part in enumerate(behind.parts(), start=1)}
    sent = tokens(text.text[1:-1].replace("''", "'"))
    return [given[token.text][0] if len(given.get(token.text, ())) == 1 else token for token in sent]


def _merged(cursor: Cursor, table: QualifiedName) -> Iterator[Write]:
    """What each branch of a MERGE writes: behind THEN stands a CASE's value otherwise."""
    while cursor.seek("THEN"):
        cursor.next()
        if cursor.consume("UPDATE", "SET"):
            yield Write(kind="UPDATE", table=table, values=_set(cursor))
        elif cursor.consume("INSERT"):
            yield from _inserted(cursor, table)


def _inserted(cursor: Cursor, table: QualifiedName) -> Iterator[Write]:
    if cursor.consume("AS"):
        cursor.name()
    names: list[str] | None = None
    if cursor.peek() == "(" and cursor.peek(1) not in ("SELECT", "WITH", "VALUES", "("):
        names = [part.name() for part in cursor.group().parts()]
    if cursor.consume("OVERRIDING"):
        cursor.next()
        cursor.consume("VALUE")
    for row in _rows(cursor):
        if names is None:
            yield Write(kind="INSERT", table=table, values={}, unnamed=tuple(row))
        elif len(names) == len(row):
            yield Write(kind="INSERT", table=table, values=dict(zip(names, row, strict=True)))


def _rows(cursor: Cursor) -> Iterator[list[Expression]]:
    if cursor.consume("DEFAULT", "VALUES"):
        yield []
    elif cursor.consume("VALUES"):
        while cursor.peek() == "(":
            yield [part.tokens for part in cursor.group().parts()]
            cursor.consume(",")
    elif cursor.consume("SELECT"):
        first = cursor.position
        cursor.seek(*_BEHIND_TARGETS)
        targets = [part.tokens for part in Cursor(cursor.tokens[first : cursor.position]).parts()]
        if all(target and target[-1].text != "*" for target in targets):
            yield [_without_alias(target) for target in targets]


def _without_alias(target: Expression) -> Expression:
    return target[:-2] if len(target) > 2 and target[-2].upper == "AS" else target


def _set(cursor: Cursor) -> Mapping[str, Expression]:
    first = cursor.position
    while cursor and cursor.peek() not in _BEHIND_SET and not _is_branch(cursor):
        cursor.skip()
    values: dict[str, Expression] = {}
    for part in Cursor(cursor.tokens[first : cursor.position]).parts():
        if part.peek() == "(":
            names = [each.name() for each in part.group().parts()]
            part.consume("=")
            part.consume("ROW")
            is_row = part.peek() == "(" and part.peek(1) not in ("SELECT", "WITH", "VALUES")
            given = [each.tokens for each in part.group().parts()] if is_row else []
            values |= zip(names, given, strict=True) if len(names) == len(given) else ()
        else:
            name = part.name()
            if part.consume("="):
                values[name] = part.tokens[part.position :]
    return values


def _is_branch(cursor: Cursor) -> bool:
    """Whether the next branch of a MERGE begins here, and none of a CASE."""
    return cursor.peek() == "WHEN" and "MATCHED" in (cursor.peek(1), cursor.peek(2))


def constants_of(expression: Expression, body: str = "") -> tuple[str, ...]:
    """The constants that it can be, as SQL: itself, the branches of a CASE, the last of a coalesce, or all that the body
    that it stands in gives the variable that it is."""
    if (constant := constant_of(expression)) is not None:
        return (constant,)
    words = [token.upper for token in expression]
    if words[:1] == ["CASE"] and words[-1:] == ["END"]:
        return tuple(_branches(expression))
    if words[:2] == ["COALESCE", "("]:
        cursor = Cursor(expression[1:])
        lasts = [constant_of(part.tokens) for part in cursor.group().parts()][-1:]
        return tuple(last for last in lasts if last not in (None, "NULL") and not cursor)
    if len(expression) == 1 and expression[0].kind in (TokenKind.WORD, TokenKind.QUOTED) and body:
        return tuple(_assigned(expression[0].name, tokens(body)))
    return ()


def constant_of(expression: Expression) -> str | None:
    """The one constant that it is, as SQL; None where it is none."""
    if expression and expression[0].text == "(" and expression[-1].text == ")":
        return constant_of(expression[1:-1])
    sign = "-" if expression and expression[0].text == "-" else ""
    if not expression[len(sign) :]:
        return None
    token, *cast = expression[len(sign) :]
    is_value = token.kind is TokenKind.NUMBER and not token.text.startswith("$")
    if not (is_value or (not sign and (token.kind is TokenKind.STRING or token.upper in _WORDS))):
        return None
    if cast and not (cast[0].text == "::" and all(_is_of_type(each) for each in cast[1:])):
        return None
    return sign + _text(expression[len(sign) :])


def _is_of_type(token: Token) -> bool:
    return token.kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.NUMBER) or token.text in (*".(),[]", "::")


def _text(expression: Expression) -> str:
    """As it is written, with single blanks."""
    pieces: list[str] = []
    end = expression[0].offset
    for token in expression:
        pieces += [" "] if token.offset > end else []
        pieces.append(token.text)
        end = token.offset + len(token.text)
    return "".join(pieces)


def _branches(expression: Expression) -> Iterator[str]:
    cursor = Cursor(expression[1:-1])
    while cursor.seek(*_BRANCHES):
        cursor.next()
        first = cursor.position
        cursor.seek("WHEN", "ELSE")
        if (constant := constant_of(cursor.tokens[first : cursor.position])) is not None:
            yield constant


def _assigned(name: str, body: Sequence[Token]) -> Iterator[str]:
    """What the variable is given, where nothing gives it anything else."""
    given: list[Expression] = []
    for place, token in enumerate(body):
        if token.kind not in (TokenKind.WORD, TokenKind.QUOTED) or token.name != name:
            continue
        before = [each.upper for each in body[:place]]
        if _is_target(before):
            return
        if before and before[-1] not in _STARTS:
            continue
        rest = body[place + 1 :]
        at = next((n for n, each in enumerate(rest[:_MOST_TYPE_WORDS]) if each.upper in (*_ASSIGNS, ";")), None)
        if at is not None and rest[at].text != ";":
            end = next((n for n, each in enumerate(rest) if each.text == ";"), len(rest))
            given.append(rest[at + 1 : end])
    # NULL is what a caller has yet to give.
    if len(given) == 1 and given[0] and given[0][0].upper != "NULL" and (constant := constant_of(given[0])) is not None:
        yield constant


def _is_target(before: Sequence[str]) -> bool:
    """Whether what follows these words is a loop's variable, or among those that a query or GET DIAGNOSTICS fills."""
    if before[-1:] and before[-1] in ("FOR", "FOREACH"):
        return True
    start = max((place for place, word in enumerate(before) if word == ";"), default=-1)
    for place in range(len(before) - 1, start, -1):
        if before[place] in ("INTO", "DIAGNOSTICS"):
            return True
        if before[place] in _BEHIND_TARGETS:
            return False
    return False
