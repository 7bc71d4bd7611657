"""A constraint's definition as pg_get_constraintdef spells it, from an owner's keys; and the index behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pgcontract.model.identifiers import quote_identifier, unquote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Constraint, Index
from pgcontract.patterns import lazy_pattern

_QUOTED: Final = lazy_pattern(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_HEAD: Final = lazy_pattern(
    r"(?P<form>PRIMARY KEY|UNIQUE|EXCLUDE)(?P<nulls> NULLS NOT DISTINCT)?(?: USING (?P<method>\w+))? ?(?=\()",
    re.IGNORECASE,
)
_INCLUDE: Final = lazy_pattern(r" INCLUDE (?=\()", re.IGNORECASE)
_WHERE: Final = lazy_pattern(r" WHERE (?=\()", re.IGNORECASE)
_WITH: Final = lazy_pattern(r"(?P<key>.*) WITH (?:\S+|OPERATOR\(\S+\))", re.IGNORECASE | re.DOTALL)
_REFERENCES: Final = lazy_pattern(r' REFERENCES (?P<table>(?:"(?:[^"]|"")+"|[^\s("])+)(?=\(|$| )', re.IGNORECASE)
_ACTIONS: Final = lazy_pattern(
    r"(?P<match> MATCH FULL)?(?: ON UPDATE (?P<on_update>CASCADE|RESTRICT|SET NULL|SET DEFAULT))?"
    r"(?: ON DELETE (?P<on_delete>CASCADE|RESTRICT|SET NULL|SET DEFAULT)(?P<columns> \()?)?"
)
_OVERLAPS: Final = " WITHOUT OVERLAPS"

FORMS: Final = {
    "primary_key": "primary key",
    "checks": "check",
    "uniques": "unique",
    "foreign_keys": "foreign key",
    "excludes": "exclude",
}


def constraint_definition(collection: str, keys_given: Mapping[str, Any]) -> str | None:
    """The definition of a constraint of one of `FORMS`; None where a key it cannot do without is not there."""
    match collection, keys_given:
        case "checks", {"expression": expression}:
            return f"CHECK ({expression})"
        case "excludes" | "constraints", {"definition": definition}:
            return str(definition)
        case "primary_key", {"columns": columns}:
            return f"PRIMARY KEY ({_column_list(columns)}){_include_clause(keys_given)}"
        case "uniques", {"columns": columns}:
            nulls = " NULLS NOT DISTINCT" if keys_given.get("nulls_not_distinct") else ""
            return f"UNIQUE{nulls} ({_column_list(columns)}){_include_clause(keys_given)}"
        case "foreign_keys", {"columns": columns, "references": references}:
            to = f"({_column_list(keys_given['to'])})" if keys_given.get("to") else ""
            return f"FOREIGN KEY ({_column_list(columns)}) REFERENCES {references}{to}{_match_and_actions(keys_given)}"
    return None


def required_keys(collection: str) -> tuple[str, ...]:
    """The keys without which a constraint of this collection has no definition."""
    return {
        "checks": ("expression",),
        "primary_key": ("columns",),
        "uniques": ("columns",),
        "foreign_keys": ("columns", "references"),
        "excludes": ("definition",),
        "constraints": ("form", "definition"),
    }[collection]


def _column_list(columns: Iterable[str]) -> str:
    return ", ".join(columns)


def _include_clause(keys_given: Mapping[str, Any]) -> str:
    return f" INCLUDE ({_column_list(keys_given['include'])})" if keys_given.get("include") else ""


def _match_and_actions(keys_given: Mapping[str, Any]) -> str:
    """MATCH and ON, in the order and with the omissions of ruleutils.c."""
    text = " MATCH FULL" if keys_given.get("match") == "full" else ""
    for key, words in (("on_update", "ON UPDATE"), ("on_delete", "ON DELETE")):
        if keys_given.get(key, "no action") != "no action":
            text += f" {words} {keys_given[key].upper()}"
    return text + (f" ({_column_list(keys_given['on_delete_columns'])})" if keys_given.get("on_delete_columns") else "")


def backing_index(constraint: Constraint) -> Index | None:
    """The index that PostgreSQL makes for a primary key, UNIQUE or EXCLUDE; None for any other constraint."""
    definition = constraint.definition or ""
    if constraint.form not in ("primary key", "unique", "exclude") or not (head := _HEAD.match(definition)):
        return None
    elements, rest = bracketed_elements(definition, head.end())
    overlaps = elements[-1].endswith(_OVERLAPS)
    keys = [element.removesuffix(_OVERLAPS) for element in elements]
    if constraint.form == "exclude":
        keys = [match["key"] if (match := _WITH.fullmatch(key)) else key for key in keys]
    include: list[str] = []
    if match := _INCLUDE.match(definition, rest):
        include, rest = bracketed_elements(definition, match.end())
    predicate = None
    if match := _WHERE.match(definition, rest):
        predicate = definition[match.end() + 1 : _closing_bracket(definition, match.end())]
    return Index(
        name=str(QualifiedName.parse(constraint.table).with_name(constraint.bare_name)),
        table=constraint.table,
        method=(head["method"] or ("gist" if overlaps else "btree")).lower(),
        keys=tuple(keys),
        include=tuple(include),
        predicate=predicate,
        unique=constraint.form != "exclude",
        nulls_not_distinct=head["nulls"] is not None,
        constraint=f"{constraint.form} {constraint.name}",
        origin=constraint.origin,
    )


def bracketed_elements(text: str, start: int) -> tuple[list[str], int]:
    """The elements of the list whose bracket opens at `start`, cut at the commas of that level, and where it ends."""
    end = _closing_bracket(text, start)
    elements, depth, at, begin = [], 0, start + 1, start + 1
    while at < end:
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
        if text[at] == "," and not depth:
            elements.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    elements.append(text[begin:end].strip())
    return elements, end + 1


def _closing_bracket(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes; the end of the text if it does not."""
    depth, at = 0, start
    while at < len(text):
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at
        at += 1
    return len(text)


def constraint_keys(constraint: Constraint) -> tuple[str, dict[str, Any]]:
    """The collection and the keys of a constraint: the inverse of `constraint_definition`.

    What the other collections cannot say is in `constraints`, by its form and its definition.
    """
    definition = constraint.definition or ""
    for collection, form in FORMS.items():
        if form == constraint.form:
            keys_given = _parse_definition(collection, definition)
            if keys_given is not None and constraint_definition(collection, keys_given) == definition:
                return collection, keys_given
    return "constraints", {"form": constraint.form, "definition": definition}


def _parse_definition(collection: str, definition: str) -> dict[str, Any] | None:
    keys_given: dict[str, Any] = {}
    match collection:
        case "checks":
            return {"expression": definition[7:-1]}
        case "excludes":
            return {"definition": definition}
        case "foreign_keys":
            keys_given["columns"], at = bracketed_elements(definition, definition.find("("))
            if not (match := _REFERENCES.match(definition, at)):
                return None
            keys_given["references"], at = match["table"], match.end()
            if definition[at : at + 1] == "(":
                keys_given["to"], at = bracketed_elements(definition, at)
            if actions := _ACTIONS.match(definition, at):
                keys_given |= {key: actions[key].lower() for key in ("on_update", "on_delete") if actions[key]}
                if actions["match"]:
                    keys_given["match"] = "full"
                if actions["columns"]:
                    keys_given["on_delete_columns"], _ = bracketed_elements(definition, actions.end() - 1)
        case _:
            if not (head := _HEAD.match(definition)):
                return None
            keys_given["columns"], at = bracketed_elements(definition, head.end())
            if head["nulls"]:
                keys_given["nulls_not_distinct"] = True
            if match := _INCLUDE.match(definition, at):
                keys_given["include"], _ = bracketed_elements(definition, match.end())
    columns = [
        *keys_given["columns"],
        *keys_given.get("to", ()),
        *keys_given.get("include", ()),
        *keys_given.get("on_delete_columns", ()),
    ]
    return keys_given if all(quote_identifier(unquote_identifier(column)) == column for column in columns) else None
