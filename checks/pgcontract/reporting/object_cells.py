"""How one object reads in one cell: its name, its definition, what it is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Column, Function, Index, Part, Table, Trigger
from pgcontract.reporting.markup import MAX_CELL, code, join, prose

_SHOWN_ELSEWHERE = frozenset({"name", "comment", "purpose", "origin", "same_as", "table"})


def short(part: Part) -> str:
    """The name without the name of its table or, as an index has none in its name, without its table's schema."""
    written, rest = split_name(part.name)
    return f"{written[-1]}{rest}" if written and owner_of(part) else part.name


def owner_of(part: Part) -> str | None:
    """The table that the part belongs to, where it is of a kind that has one."""
    owner: str | None = getattr(part, "table", None)
    return owner


def names(parts: Sequence[Part], limit: int = 12) -> Markup:
    """The first names, and how many more there are."""
    ordered = sorted(parts, key=lambda part: part.position if isinstance(part, Column) else 0)
    first = [code(short(part)) for part in ordered[:limit]]
    return join((*first, f"and {len(parts) - limit} more" if len(parts) > limit else ""), ", ")


def table(part: Table) -> Markup:
    """Permanent table, row security not enabled."""
    form = f"{part.persistence} {part.form}"
    security = "row security enabled" if part.row_security else "row security not enabled"
    forced = "forced on its owner too" if part.force_row_security else ""
    return join((form[0].upper() + form[1:], security, forced), ", ")


def default(column: Column) -> Markup:
    """What a new row gets: a default, a generated value, an identity."""
    if column.generated:
        return join(("generated", code(column.generated)), " ")
    if column.identity:
        return prose(f"identity {column.identity}")
    return code(column.default) if column.default else Markup("–")


def index(part: Index, limit: int = MAX_CELL) -> Markup:
    """`unique btree (a, b DESC) where c > 0`, as CREATE INDEX would have it."""
    unique = "unique " if part.unique else ""
    include = f" include ({', '.join(part.include)})" if part.include else ""
    where = f" where {part.predicate}" if part.predicate else ""
    distinct = " nulls not distinct" if part.nulls_not_distinct else ""
    return code(f"{unique}{part.method} ({', '.join(part.keys)}){include}{distinct}{where}", limit)


def trigger(part: Trigger, limit: int = MAX_CELL) -> Markup:
    """When it fires and what it calls: before update of a, for each row, when ..., calls f()."""
    columns = f" of {', '.join(part.columns)}" if part.columns else ""
    moment = f"{part.timing} {' or '.join(part.events)}{columns}, for each {part.level}"
    when = code(f"when {part.when}", limit) if part.when else ""
    return join((moment, when, join(("calls", code(part.function)), " ")), ", ")


def function(part: Function) -> Markup:
    """What it returns, how it is written, and as whom it runs."""
    properties = (
        f"returns {part.returns}" if part.returns else "",
        part.language,
        part.volatility,
        f"security {part.security}",
        "strict" if part.strict else "",
    )
    return join((*properties, *(code(f"set {setting}") for setting in part.settings)), ", ")


def fields(part: Part) -> Markup:
    """The fields of any other part that say something in one line."""
    values = ((field.name, getattr(part, field.name)) for field in dataclasses.fields(part))
    pairs = (
        (name, ", ".join(map(str, value)) if isinstance(value, tuple) else value)
        for name, value in values
        if name not in _SHOWN_ELSEWHERE and value not in (None, False, "", ()) and "\n" not in str(value)
    )
    return join((join((name.replace("_", " "), code(value)), " ") for name, value in pairs), ", ")
