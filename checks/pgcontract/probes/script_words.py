"""What the words of a script say of tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pgcontract.model.sql import Script, Statement
from pgcontract.model.sql.lexer import TokenKind, tokens

_DOLLAR_QUOTED: Final = re.compile(r"(?P<tag>\$[^$]*\$)(?P<body>.*)(?P=tag)", re.DOTALL)


def assigned_columns(script: Script) -> frozenset[str]:
    """The names behind the SET of an UPDATE or a MERGE of the script, in DO blocks as well.

    Not of an upsert: it writes the row as if it went in anew, which is when defaults act.
    """
    return assigned_columns_of(script.statements)


def assigned_columns_of(statements: Iterable[Statement]) -> frozenset[str]:
    """The same of some of its statements."""
    names: set[str] = set()
    waiting = [statement.text for statement in statements if statement.words[:1] != ("CREATE",)]
    while waiting:
        read = tokens(waiting.pop())
        updates = any(
            token.upper == "UPDATE" and (before is None or before.upper not in ("DO", "FOR", "ON"))
            for before, token in zip((None, *read), read, strict=False)
        )
        setting = next((place for place, token in enumerate(read) if token.upper == "SET"), len(read))
        if updates:
            names |= {token.name for token in read[setting:] if token.kind in (TokenKind.WORD, TokenKind.QUOTED)}
        waiting += [body for token in read if (body := dollar_quoted(token.text)) is not None]
    return frozenset(names)


def dollar_quoted(text: str) -> str | None:
    """What stands between the dollars of a literal; None where it is no such one."""
    match = _DOLLAR_QUOTED.fullmatch(text)
    return match and match["body"]


def may_commit(statement: Statement) -> bool:
    """Whether it may end a transaction in its course: a procedure, or a DO block with COMMIT or ROLLBACK."""
    if statement.words[:1] == ("DO",):
        return any(names_in_code(statement.text, word) for word in ("COMMIT", "ROLLBACK"))
    return statement.words[:1] == ("CALL",)


def names_in_code(code: str, name: str) -> bool:
    """Whether the name stands in it by itself."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code, re.IGNORECASE) is not None
