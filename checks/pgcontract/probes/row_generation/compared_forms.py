"""Values that a condition compares in another form than the column's own: by a pattern, by a key of a document, as an
element, a part of a text or of a day."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from pgcontract.errors import InputError
from pgcontract.model.sql.lexer import Token, TokenKind
from pgcontract.probes.boundary_values import literal_values, texts_near_regex

_NAMES: Final = (TokenKind.WORD, TokenKind.QUOTED)
_LITERALS: Final = (TokenKind.STRING, TokenKind.NUMBER)
_MATCHES: Final = frozenset({"~", "~*"})
_COMPARES: Final = frozenset({"=", "<", ">", "<=", ">=", "<>", "!=", "~", "~*", "~~", "~~*"})
_CALLED: Final = frozenset({"REGEXP_LIKE", "REGEXP_MATCH", "REGEXP_MATCHES", "REGEXP_COUNT", "REGEXP_INSTR"})
_TURNED: Final = str.maketrans("<>", "><")
_STEPS: Final = frozenset({"->", "->>", "#>", "#>>"})
_ENDS: Final = frozenset({"AND", "OR", ";", "THEN", "RETURNING"})
_SIGNED_BEHIND: Final = frozenset({"AND", "BETWEEN", "OR", "WHEN", "THEN", "ELSE", "IN", "NOT"})
_FLAGGED: Final = frozenset({"WHERE", "AND", "OR", "WHEN"})
_FIELDS: Final = {
    "YEAR": "{}-05-06",
    "MONTH": "2024-{:0>2}-06",
    "DAY": "2024-05-{:0>2}",
    "HOUR": "2024-05-06 {:0>2}:08:09",
    "MINUTE": "2024-05-06 07:{:0>2}:09",
}
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T].*)?")
_CAST: Final = {
    **dict.fromkeys(("DATE", "TIME"), "2024-05-06"),
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "NUMERIC", "DECIMAL", "DOUBLE", "REAL", "FLOAT", "BOOL"), "1"),
    "UUID": "00000000-0000-4000-8000-000000000001",
}
_SUNDAY: Final = dt.date(2024, 5, 5)
_FORMATS: Final = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M"}


def signed(read: Sequence[Token], place: int) -> str:
    """The literal that stands there, with the sign of a number."""
    [text] = literal_values(read[place].text)
    before = read[place - 1].text if place else ""
    if read[place].kind is not TokenKind.NUMBER or not before.endswith("-"):
        return text
    earlier = read[place - 2] if place > 1 else None
    is_value = earlier is not None and (
        earlier.kind in _LITERALS
        or earlier.text in (")", "]")
        or (earlier.kind in _NAMES and earlier.upper not in _SIGNED_BEHIND)
    )
    return text if before == "-" and is_value else f"-{text}"


def beside(text: str, sign: str) -> tuple[str, ...]:
    """The value and those beside it, first one that the comparison takes."""
    texts = (text, *neighbours(text))
    if sign in ("<>", "!="):
        return (texts[1], text, *texts[2:]) if len(texts) > 1 else (f"{text}a", text)
    if len(texts) > 1 and sign in ("<", ">"):
        return (texts[1], text, texts[2]) if sign == ">" else (texts[2], text, texts[1])
    return texts


def neighbours(text: str) -> tuple[str, ...]:
    """Of a number or day the next one and the one before it."""
    if day := _DAY.fullmatch(text):
        with suppress(ValueError, OverflowError):
            date = dt.date.fromisoformat(day[1])
            return str(date + dt.timedelta(1)), str(date - dt.timedelta(1))
        return ()
    try:
        return str(Decimal(text) + 1), str(Decimal(text) - 1)
    except InvalidOperation:
        return ()


def values_in_other_forms(read: Sequence[Token], statement: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """The bare name of a column and a value of it that the condition asks for, and the statement can cast; of a document
    first one with all keys that are compared."""
    casts = _casts(statement)
    yield from _documents(read, casts)
    for place, token in enumerate(read):
        if token.kind is TokenKind.STRING:
            yield from _matches(read, place, casts)
        if token.kind in _LITERALS:
            yield from _elements(read, place)
        elif token.kind in _NAMES:
            yield from _listed(read, place)
            yield from _parts(read, place)


def _casts(statement: Sequence[Token]) -> dict[tuple[str, ...], str]:
    """What each column, or key of a document behind its column's name, is cast to: a value of that type."""
    casts: dict[tuple[str, ...], str] = {}
    for place, token in enumerate(statement):
        if token.kind in _NAMES:
            path, at = _path(statement, place + 1)
            start = at + (at < len(statement) and statement[at].text == ")")
            behind = statement[start : start + 2]
            if len(behind) > 1 and (behind[0].text == "::" or behind[0].upper == "AS"):
                value = next((value for word, value in _CAST.items() if behind[1].upper.startswith(word)), None)
                if value is not None:
                    casts.setdefault((token.name, *path), value)
    return casts


def _path(read: Sequence[Token], place: int) -> tuple[tuple[str, ...], int]:
    """The keys by which a document is looked into from there on, and where they end."""
    path: list[str] = []
    while place + 1 < len(read) and read[place].text in _STEPS and read[place + 1].kind in _LITERALS:
        [step] = literal_values(read[place + 1].text)
        path += step.strip("{}").split(",") if read[place].text.startswith("#") else [step]
        place += 2
    return tuple(path), place


def _matching(pattern: str, cast: str | None, *, ignore_case: bool) -> str | None:
    """A text that matches, if possible one that can be cast."""
    with suppress(re.error):
        if cast is not None and re.search(pattern, cast):
            return cast
    with suppress(InputError):
        return texts_near_regex(pattern, ignore_case=ignore_case, limit=1)[0]
    return None


def _matches(read: Sequence[Token], place: int, casts: Mapping[tuple[str, ...], str]) -> Iterator[tuple[str, str]]:
    """A text that the pattern matches; LIKE's own does that by itself."""
    before = [token.upper for token in read[max(place - 6, 0) : place]]
    pattern = signed(read, place)
    if place > 1 and read[place - 2].kind in _LITERALS and before[-1] in _MATCHES:
        return  # of a key of a document
    if before[-2:] == ["SIMILAR", "TO"]:
        pattern = pattern.replace("%", ".*").replace("_", ".")
    elif before[-1:] and before[-1] not in _MATCHES and not (before[-1] == "," and _CALLED.intersection(before)):
        return
    name = next((token.name for token in reversed(read[:place]) if _is_column(token)), None)
    if name is not None:
        text = _matching(pattern, casts.get((name,)), ignore_case=before[-1:] == ["~*"])
        yield from [(name, text)] if text is not None else []


def _elements(read: Sequence[Token], place: int) -> Iterator[tuple[str, str]]:
    """Of `'a' = ANY (tags)` and `tags @> 5` a list or range with it, of `'2024-01-01' > at` the value itself."""
    text = signed(read, place)
    behind = [token.upper for token in read[place + 1 : place + 4]]
    before = read[place - 1] if place else None
    if behind[:2] == ["=", "ANY"]:
        if name := _first_name(read[place + 3 :]):
            yield name, _array([text])
    elif behind[:1] and (behind[0] in _COMPARES or behind[0] == "IN") and (name := _first_name(read[place + 2 :])):
        yield from ((name, value) for value in beside(text, behind[0].translate(_TURNED)))
    if before is None or place < 2:
        return
    if before.text == "@>" and read[place - 2].kind in _NAMES:
        yield read[place - 2].name, f"[{text},{text}]"
    elif before.text == "(" and read[place - 2].upper == "ANY" and text.startswith("{"):
        name = _last_name(read[: place - 2])
        yield from ((name, element.strip('"')) for element in text[1:-1].split(","))


def _listed(read: Sequence[Token], place: int) -> Iterator[tuple[str, str]]:
    """Of `tags @> ARRAY['a', 'b']` that list, of `data ?| ARRAY['a']` a document with these keys."""
    if read[place].upper != "ARRAY" or place < 2 or read[place - 2].kind not in _NAMES:
        return
    name, sign = read[place - 2].name, read[place - 1].text
    end = next((at for at in range(place, len(read)) if read[at].text == "]"), place)
    texts = [signed(read, at) for at in range(place, end) if read[at].kind in _LITERALS]
    yield name, json.dumps(dict.fromkeys(texts, 1), ensure_ascii=False) if sign in ("?|", "?&") else _array(texts)


def _parts(read: Sequence[Token], place: int) -> Iterator[tuple[str, str]]:
    """Of `split_part(code, '-', 2) = 'DE'`, `extract(year FROM at) = 2019`, `to_char(at, 'YYYY-MM') = '2019-02'` a whole
    value."""
    if read[place].upper not in ("SPLIT_PART", "EXTRACT", "DATE_PART", "TO_CHAR"):
        return
    end = next((at for at in range(place, len(read)) if read[at].text == ")"), len(read))
    if end + 2 >= len(read) or read[end + 1].text not in _COMPARES or read[end + 2].kind not in _LITERALS:
        return
    inside, text = read[place + 2 : end], signed(read, end + 2)
    literals = [literal_values(token.text)[0] for token in inside if token.kind in _LITERALS]
    match read[place].upper, literals:
        case "SPLIT_PART", [separator, number] if number.isdecimal() and int(number) < 9:
            yield inside[0].name, ("a" + separator) * (int(number) - 1) + text
        case "TO_CHAR", [form]:
            for code, directive in _FORMATS.items():
                form = form.replace(code, directive)
            with suppress(ValueError):
                yield _last_name(inside[:-2]), str(dt.datetime.strptime(text, form))
        case "EXTRACT", []:
            yield from _days(inside[0].upper, text, _last_name(inside))
        case "DATE_PART", [field]:
            yield from _days(field.upper(), text, _last_name(inside))


def _days(field: str, text: str, name: str) -> Iterator[tuple[str, str]]:
    if field in ("DOW", "ISODOW") and text in "01234567":
        yield name, str(_SUNDAY + dt.timedelta(int(text) % 7))
    elif field in _FIELDS:
        yield name, _FIELDS[field].format(text)


def _documents(read: Sequence[Token], casts: Mapping[tuple[str, ...], str]) -> Iterator[tuple[str, str]]:
    """Of `data ->> 'kind' = 'old'`, `data #> '{a,b}' IS NOT NULL` and `data ? 'legacy'` a document."""
    compared: dict[str, list[tuple[tuple[str, ...], Any]]] = {}
    for place, token in enumerate(read[:-2]):
        if token.kind not in _NAMES or read[place + 2].kind not in _LITERALS:
            continue
        path, end = _path(read, place + 1)
        if read[place + 1].text == "?":
            key = signed(read, place + 2)
            path, value = (key,), casts.get((token.name, key), 1)
        elif path:
            cast = casts.get((token.name, *path))
            value = _document_value(read, end, cast, is_text=read[end - 2].text.endswith(">>"))
        else:
            continue
        compared.setdefault(token.name, []).append((path, value))
    for name, pairs in compared.items():
        whole: Any = None
        for keys, value in pairs:
            whole = _put_into(whole, keys, value)
        alone = [_put_into(None, keys, value) for keys, value in pairs] if len(pairs) > 1 else []
        yield from ((name, json.dumps(document, ensure_ascii=False)) for document in (whole, *alone))


def _document_value(read: Sequence[Token], place: int, cast: str | None, *, is_text: bool) -> Any:
    """What stands behind the path: a value that the comparison takes, and without one what is true."""
    condition: list[Token] = []
    for token in read[place:]:
        if token.upper in _ENDS:
            break
        condition.append(token)
    signs = [token.text for token in condition if token.kind is TokenKind.MARK and token.text not in ("(", ")", "::")]
    sign = signs[0].rstrip("-") if signs else ""
    at = next((at for at, token in enumerate(condition) if token.kind in _LITERALS), None)
    words = {token.upper for token in condition}
    if at is None:
        return (cast or 1) if "NOT" in words else None if "NULL" in words else True
    text = beside(signed(condition, at), sign)[0]
    if is_text and sign in _MATCHES:
        return _matching(text, cast, ignore_case=sign == "~*") or text
    if condition[at].kind is TokenKind.STRING and is_text:
        return text
    with suppress(ValueError):
        return json.loads(text)
    return text


def _put_into(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step.isdecimal() and not isinstance(document, dict):
        return [_put_into(None, rest, value)] * min(int(step) + 1, 9)
    known = document if isinstance(document, dict) else {}
    return {**known, step: _put_into(known.get(step), rest, value)}


def _first_name(read: Sequence[Token]) -> str | None:
    """The column that stands right there, be it in parentheses or behind its table's name, and is not a function."""
    start = 1 if read and read[0].text == "(" else 0
    if len(read) > start + 2 and read[start + 1].text == ".":
        start += 2
    is_called = len(read) > start + 1 and read[start + 1].text == "("
    return read[start].name if len(read) > start and _is_column(read[start]) and not is_called else None


def _last_name(read: Sequence[Token]) -> str:
    return next((token.name for token in reversed(read) if token.kind in _NAMES), "")


def _is_column(token: Token) -> bool:
    return token.kind in _NAMES and token.upper not in {"NOT", "SIMILAR", "TO", "TEXT", "VARCHAR", "ANY", "ALL", "SELECT"}


def _array(texts: Sequence[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def flags_in(read: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """The names that stand for themselves as a condition, each with the truth value that it asks for."""
    for place, token in enumerate(read):
        start = place - 2 if place > 1 and read[place - 1].text == "." else place
        before = read[start - 1].upper if start else ""
        is_denied = before == "NOT"
        if is_denied:
            before = read[start - 2].upper if start > 1 else ""
        behind = read[place + 1].upper if place + 1 < len(read) else ";"
        if token.kind in _NAMES and before in _FLAGGED and behind in (*_ENDS, ")"):
            yield token.name, "false" if is_denied else "true"
