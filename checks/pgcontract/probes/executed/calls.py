"""The calls of a function that are tried: with simple values, with those that its body compares, and with nulls."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from psycopg import sql

from pgcontract.model.schema import Schema
from pgcontract.model.sql.lexer import TokenKind, tokens
from pgcontract.probes.executed.routines import Routine
from pgcontract.probes.row_generation.simple_values import simplest_value

MAX_CALLS: Final = 16
_MOST_CONSTANTS: Final = 6
_NUMBERS: Final = re.compile(r"(?:smallint|integer|bigint|numeric|real|double precision)\b(?!.*\[\])")
_TEXTS: Final = re.compile(r"(?:text|character varying|character|citext|name)\b(?!.*\[\])")
# What each polymorphic argument is tried as, all arguments of a call alike.
_ANY: Final = {
    "anyelement": ("integer", "text", "jsonb"),
    "anyarray": ("integer[]", "text[]", "jsonb[]"),
    "anynonarray": ("integer", "text", "jsonb"),
    "anyenum": (),
    "anyrange": ("int4range", "numrange", "tsrange"),
    "anymultirange": ("int4multirange", "nummultirange", "tsmultirange"),
    "anycompatible": ("integer", "text", "jsonb"),
    "anycompatiblearray": ("integer[]", "text[]", "jsonb[]"),
    "anycompatiblenonarray": ("integer", "text", "jsonb"),
    "anycompatiblerange": ("int4range", "numrange", "tsrange"),
    "anycompatiblemultirange": ("int4multirange", "nummultirange", "tsmultirange"),
}


def calls_of(routine: Routine, schema: Schema) -> Iterator[str]:
    """Statements that call it, the simplest first; of one that takes any type, one with each of three."""
    for types in _resolved(routine):
        candidates = [_candidates(routine, schema, type_) for type_ in types]
        for values in itertools.islice(_choices(candidates), MAX_CALLS if types == tuple(routine.types) else 1):
            yield _call(routine, values, types)
    if routine.types and not routine.is_polymorphic:
        yield _call(routine, ["NULL"] * len(routine.types), tuple(routine.types))


def null_call(routine: Routine, schema: Schema) -> str:
    """The call that brings no value of our own into the body: nulls, unless they keep it from running."""
    types = next(_resolved(routine), tuple(routine.types))
    if routine.strict:
        return _call(routine, [_candidates(routine, schema, type_)[0] for type_ in types], types)
    return _call(routine, ["NULL"] * len(types), types)


def _resolved(routine: Routine) -> Iterator[tuple[str, ...]]:
    """The types of its arguments, with such in the places of those that stand for any."""
    if not routine.is_polymorphic:
        yield tuple(routine.types)
        return
    for number in range(3):
        chosen = [_ANY.get(type_, (type_,)) for type_ in routine.types]
        if all(chosen):
            yield tuple(types[min(number, len(types) - 1)] for types in chosen)


def _choices(candidates: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The first of each, then each other in its turn with the first of all others."""
    first = [values[0] for values in candidates]
    yield first
    for place, values in enumerate(candidates):
        for value in values[1:]:
            yield [*first[:place], value, *first[place + 1 :]]


def _candidates(routine: Routine, schema: Schema, type_: str) -> Sequence[str]:
    labels = next((custom.labels for custom in schema.types if custom.is_type(type_) and custom.labels), ())
    if labels:
        return [_literal(label) for label in labels]
    values = [_literal(str(simplest_value(schema, type_)))]
    if type_ == "boolean":
        values.append("'false'")
    elif _NUMBERS.match(type_):
        values += ["'0'", *(f"'{text}'" for text in _constants(routine, TokenKind.NUMBER) if text.isdigit())]
    elif _TEXTS.match(type_):
        values += _constants(routine, TokenKind.STRING)
    return list(dict.fromkeys(values))


def _constants(routine: Routine, kind: TokenKind) -> Sequence[str]:
    """The first constants in its body."""
    found = dict.fromkeys(token.text for token in tokens(routine.source) if token.kind is kind)
    return [text for text in found if not text.startswith("$") and len(text) < 40][:_MOST_CONSTANTS]


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)


def _call(routine: Routine, values: Sequence[str], types: Sequence[str]) -> str:
    words = [f"{value}::{type_}" for value, type_ in zip(values, types, strict=True)]
    if routine.variadic and words:
        words[-1] = f"VARIADIC {words[-1]}"
    if routine.kind == "p":
        return f"CALL {routine.name}({', '.join([*words, *['NULL'] * routine.outs])})"
    return f"SELECT {routine.name}({', '.join(words)})"
