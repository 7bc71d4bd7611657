"""The constants that a body passes on, as arguments, in a row or an array, to a variable: not what it compares. Pure."""

from __future__ import annotations

from typing import Final

from pgcontract.model.sql.lexer import Token, TokenKind, tokens

_BEFORE: Final = frozenset(
    ("(", ",", "[", ":=", "=>", "THEN", "ELSE", "SELECT", "DEFAULT", "RETURN", "NEXT", "VALUES", "||", "")
)
_COMPARES: Final = ("IN", "ANY", "ALL", "SOME")
_WORDS: Final = ("TRUE", "FALSE")
_MOST_NESTED: Final = 3


def passed_values(text: str, nested: int = 0) -> frozenset[str]:
    """Each as the server prints it: a text without its quotes, `t` and `f`; the elements of an array, and the constants
    within a text that is SQL, too."""
    values: set[str] = set()
    compared: list[bool] = []
    before = sign = ""
    for token in tokens(text):
        word = token.upper
        if word in ("(", "["):
            compared.append(before in _COMPARES or (compared[-1:] == [True]))
        elif word in (")", "]"):
            compared = compared[:-1]
        elif before in _BEFORE and not (compared and compared[-1]):
            if token.kind is TokenKind.STRING:
                values |= _of_text(_content(token), nested)
            elif token.kind is TokenKind.NUMBER:
                values.add(sign + token.text)
            elif word in _WORDS:
                values.add(word[0].lower())
        if word in ("-", "+") and before in _BEFORE:
            sign = word.strip("+")
            continue
        before, sign = word, ""
    return frozenset(values)


def _of_text(text: str, nested: int) -> frozenset[str]:
    values = {text}
    if text.startswith("{") and text.endswith("}"):
        values |= {part.strip().strip('"') for part in text[1:-1].split(",")}
    elif "'" in text and nested < _MOST_NESTED:
        values |= passed_values(text, nested + 1)
    return frozenset(values)


def _content(token: Token) -> str:
    text = token.text
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text[len(tag) :].removesuffix(tag)
    opened = text.index("'")
    return text[opened + 1 :].removesuffix("'").replace("''", "'")
