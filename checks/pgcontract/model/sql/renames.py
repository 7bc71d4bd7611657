"""What a script renames, and moves to another schema: by its own statements and those of its DO blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import TokenKind, tokens, without_comments
from pgcontract.model.sql.object_references import KIND_WORDS, RELATIONS
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.values import dataclass

RELATION: Final = "relation"
_WORDS: Final = {
    words: RELATION if kind in RELATIONS else kind
    for words, kind in KIND_WORDS.items()
    if kind not in ("constraint", "extension", "other")
}
_OF_TABLE: Final = ("trigger", "policy", "rule")
_IN_BLOCK: Final = re.compile(r"\bALTER\s+(?:(?!\bALTER\b)[^;])*?\b(?:RENAME|SET\s+SCHEMA)\b[^;]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Rename:
    """`old` is called `new` from here on, by this statement. Names are in full as far as the text has them: a column's
    with its relation's, the label of an enum with its type's."""

    kind: str
    old: QualifiedName
    new: QualifiedName
    statement: str = field(default="", compare=False, repr=False)


def read_renames(script: Script) -> tuple[Rename, ...]:
    """Every rename, in order; without those of what the script itself drops under its new name."""
    renames: list[Rename] = []
    for statement in script.statements:
        word = statement.words[:1]
        if word == ("ALTER",):
            renames += _read((statement.text,))
        elif word == ("DO",):
            renames += _read(match[0] for match in _IN_BLOCK.finditer(without_comments(statement.text)))
        elif word == ("DROP",):
            dropped = _dropped(statement.text)
            renames = [one for one in renames if (one.kind, one.new.name) not in dropped]
    return tuple(renames)


def _read(texts: Iterable[str]) -> Iterator[Rename]:
    for text in texts:
        cursor = Cursor(tokens(text))
        try:
            rename = _rename(cursor)
        except Unreadable:
            continue
        if rename is not None:
            yield replace(rename, statement=text[: cursor.offset] if cursor else text)


def _rename(cursor: Cursor) -> Rename | None:
    cursor.next()  # ALTER
    kind = _kind(cursor)
    if kind is None:
        return None
    cursor.consume("IF", "EXISTS")
    cursor.consume("ONLY")
    path = cursor.path()
    if kind in _OF_TABLE:
        cursor.consume("ON")
        path = cursor.path().member(path.name)
    while cursor and cursor.peek() not in ("RENAME", "SET"):  # an asterisk, or the types of a function's arguments
        cursor.next()
    if cursor.consume("SET", "SCHEMA"):
        return Rename(kind=kind, old=path, new=QualifiedName((cursor.name(), path.name)))
    if not cursor.consume("RENAME"):
        return None
    if cursor.consume("TO"):
        return Rename(kind=kind, old=path, new=path.with_name(cursor.name()))
    part = {"CONSTRAINT": "constraint", "ATTRIBUTE": "attribute", "VALUE": "label"}.get(cursor.peek(), "column")
    if part != "column" or cursor.peek() == "COLUMN":
        cursor.next()
    old = _word(cursor)
    if not cursor.consume("TO"):
        return None
    return Rename(kind=part, old=path.member(old), new=path.member(_word(cursor)))


def _kind(cursor: Cursor) -> str | None:
    return next((kind for words, kind in _WORDS.items() if cursor.consume(*words)), None)


def _word(cursor: Cursor) -> str:
    """The name, or the label in single quotes, that stands here."""
    if cursor and cursor.tokens[cursor.position].kind is TokenKind.STRING:
        return cursor.next().text.strip("'").replace("''", "'")
    return cursor.name()


def _dropped(text: str) -> frozenset[tuple[str, str]]:
    cursor = Cursor(tokens(text))
    try:
        cursor.next()
        kind = _kind(cursor)
        cursor.consume("CONCURRENTLY")
        cursor.consume("IF", "EXISTS")
        names = [cursor.path()]
        while cursor.consume(","):
            names.append(cursor.path())
    except Unreadable:
        return frozenset()
    return frozenset((kind, name.name) for name in names) if kind else frozenset()
