"""How one object reads in one cell: its name, its definition, what it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pgcontract.model.qualified_name import split_name
from pgcontract.reporting.markup import code, join, prose

Part = Mapping[str, Any]
_SHOWN_ELSEWHERE = frozenset({"name", "comment", "purpose", "origin", "same_as", "table"})


def short(part: Part) -> str:
    """The name without the name of its table or, as an index has none in its name, without its table's schema."""
    name = str(part.get("name"))
    written, rest = split_name(name)
    return f"{written[-1]}{rest}" if written and part.get("table") else name


def purpose(part: Part) -> Markup:
    """What it is for: the contract's words, else the comment's."""
    return prose(part.get("purpose") or part.get("comment") or "")


def names(parts: Sequence[Part], limit: int = 12) -> Markup:
    """The first names, and how many more there are."""
    ordered = sorted(parts, key=lambda part: part.get("position") or 0)
    first = [code(short(part)) for part in ordered[:limit]]
    return join((*first, f"and {len(parts) - limit} more" if len(parts) > limit else ""), ", ")


def table(part: Part) -> Markup:
    """Permanent table, row security not enabled."""
    form = " ".join(filter(None, (part.get("persistence"), part.get("form") or "table")))
    security = "row security enabled" if part.get("row_security") else "row security not enabled"
    forced = "forced on its owner too" if part.get("force_row_security") else ""
    return join((form[0].upper() + form[1:], security, forced), ", ")


def default(column: Part) -> Markup:
    """What a new row gets: a default, a generated value, an identity."""
    if column.get("generated"):
        return join(("generated", code(column.get("generated"))), " ")
    if column.get("identity"):
        return prose(f"identity {column['identity']}")
    return code(column["default"]) if column.get("default") else Markup("–")


def index(part: Part) -> Markup:
    """`unique btree (a, b DESC) where c > 0`, as CREATE INDEX would have it."""
    unique = "unique " if part.get("unique") else ""
    keys = ", ".join(map(str, part.get("keys") or ()))
    include = f" include ({', '.join(map(str, part['include']))})" if part.get("include") else ""
    where = f" where {part['predicate']}" if part.get("predicate") else ""
    distinct = " nulls not distinct" if part.get("nulls_not_distinct") else ""
    return code(f"{unique}{part.get('method') or 'btree'} ({keys}){include}{distinct}{where}")


def trigger(part: Part) -> Markup:
    """When it fires and what it calls: before update of a, for each row, when ..., calls f()."""
    events = " or ".join(map(str, part.get("events") or ()))
    columns = f" of {', '.join(map(str, part['columns']))}" if part.get("columns") else ""
    moment = f"{part.get('timing')} {events}{columns}, for each {part.get('level') or 'statement'}"
    when = code(f"when {part['when']}") if part.get("when") else ""
    calls = join(("calls", code(part["function"])), " ") if part.get("function") else ""
    return join((moment, when, calls), ", ")


def function(part: Part) -> Markup:
    """What it returns, how it is written, and as whom it runs."""
    properties = (
        f"returns {part['returns']}" if part.get("returns") else "",
        part.get("language"),
        part.get("volatility"),
        f"security {part['security']}" if part.get("security") else "",
        "strict" if part.get("strict") else "",
    )
    return join((*properties, *(code(f"set {setting}") for setting in part.get("settings") or ())), ", ")


def fields(part: Part) -> Markup:
    """The fields of any other part that say something in one line."""
    pairs = (
        (name, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value)
        for name, value in part.items()
        if name not in _SHOWN_ELSEWHERE and value not in (None, False, "", [], ()) and "\n" not in str(value)
    )
    return join((join((name.replace("_", " "), code(value)), " ") for name, value in pairs), ", ")
