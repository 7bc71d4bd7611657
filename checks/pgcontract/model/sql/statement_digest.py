"""What a statement is, whatever its comments, blanks and line ends: a digest by which it is known again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from pgcontract.model.sql.lexer import TokenKind, opens_routine, tokens
from pgcontract.model.sql.script import Script
from pgcontract.model.sql.statement import Statement

_DIGITS: Final = 16  # 64 bits: two statements of one project that share them are not met
_APART: Final = "\0"  # which no SQL text holds


def digest_of_statements(statements: Iterable[Statement]) -> str:
    """16 hexadecimal digits: the same for the same words, names and values in the same order. Of a value in the place of
    a placeholder it knows the placeholder alone."""
    return _digest(";".join(_APART.join(_words(statement.shown, 1)) for statement in statements))


def digest_of_script(script: Script) -> str:
    """The same of a whole script; of one that is not looked into, of its bytes."""
    return digest_of_statements(script.statements) if script.parsed else script.sha256[:_DIGITS]


def _words(text: str, depth: int) -> Iterator[str]:
    """Every token; the body of a routine or a DO block as the code that it is."""
    read = tokens(text)
    has_body = depth and (opens_routine(text, 0) or text[:2].upper() == "DO")
    for token in read:
        if token.kind is TokenKind.WORD:
            yield token.text.lower()
        elif has_body and token.text[:1] == "$" and token.text.count("$") > 1:
            tag = token.text[: token.text.index("$", 1) + 1]
            yield tag
            yield from _words(token.text.removeprefix(tag).removesuffix(tag), depth - 1)
        else:
            yield token.text.replace("\r\n", "\n")


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
