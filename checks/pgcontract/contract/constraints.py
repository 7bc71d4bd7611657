"""A constraint's definition as pg_get_constraintdef spells it, from an owner's keys; and the index behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pgcontract.contract import identifiers
from pgcontract.model.schema import Constraint, Index

_QUOTED: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_HEAD: Final = re.compile(
    r"(?P<form>PRIMARY KEY|UNIQUE|EXCLUDE)(?P<nulls> NULLS NOT DISTINCT)?(?: USING (?P<method>\w+))? ?(?=\()",
    re.IGNORECASE,
)
_INCLUDE: Final = re.compile(r" INCLUDE (?=\()", re.IGNORECASE)
_WHERE: Final = re.compile(r" WHERE (?=\()", re.IGNORECASE)
_WITH: Final = re.compile(r"(?P<key>.*) WITH (?:\S+|OPERATOR\(\S+\))", re.IGNORECASE | re.DOTALL)
_REFERENCES: Final = re.compile(r' REFERENCES (?P<table>(?:"(?:[^"]|"")+"|[^\s("])+)(?=\(|$| )', re.IGNORECASE)
_ACTIONS: Final = re.compile(
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


def define(collection: str, said: Mapping[str, Any]) -> str | None:
    """The definition of a constraint of one of `FORMS`; None where a key it cannot do without is not there."""
    match collection, said:
        case "checks", {"expression": expression}:
            return f"CHECK ({expression})"
        case "excludes" | "constraints", {"definition": definition}:
            return str(definition)
        case "primary_key", {"columns": columns}:
            return f"PRIMARY KEY ({_list(columns)}){_include(said)}"
        case "uniques", {"columns": columns}:
            nulls = " NULLS NOT DISTINCT" if said.get("nulls_not_distinct") else ""
            return f"UNIQUE{nulls} ({_list(columns)}){_include(said)}"
        case "foreign_keys", {"columns": columns, "references": references}:
            to = f"({_list(said['to'])})" if said.get("to") else ""
            return f"FOREIGN KEY ({_list(columns)}) REFERENCES {references}{to}{_actions(said)}"
    return None


def needed(collection: str) -> tuple[str, ...]:
    """The keys without which a constraint of this collection has no definition."""
    return {
        "checks": ("expression",),
        "primary_key": ("columns",),
        "uniques": ("columns",),
        "foreign_keys": ("columns", "references"),
        "excludes": ("definition",),
        "constraints": ("form", "definition"),
    }[collection]


def _list(columns: Iterable[str]) -> str:
    return ", ".join(columns)


def _include(said: Mapping[str, Any]) -> str:
    return f" INCLUDE ({_list(said['include'])})" if said.get("include") else ""


def _actions(said: Mapping[str, Any]) -> str:
    """MATCH and ON, in the order and with the omissions of ruleutils.c."""
    text = " MATCH FULL" if said.get("match") == "full" else ""
    for key, words in (("on_update", "ON UPDATE"), ("on_delete", "ON DELETE")):
        if said.get(key, "no action") != "no action":
            text += f" {words} {said[key].upper()}"
    return text + (f" ({_list(said['on_delete_columns'])})" if said.get("on_delete_columns") else "")


def backing_index(constraint: Constraint) -> Index | None:
    """The index that PostgreSQL makes for a primary key, UNIQUE or EXCLUDE; None for any other constraint."""
    definition = constraint.definition or ""
    if constraint.form not in ("primary key", "unique", "exclude") or not (head := _HEAD.match(definition)):
        return None
    elements, rest = bracketed(definition, head.end())
    overlaps = elements[-1].endswith(_OVERLAPS)
    keys = [each.removesuffix(_OVERLAPS) for each in elements]
    if constraint.form == "exclude":
        keys = [found["key"] if (found := _WITH.fullmatch(each)) else each for each in keys]
    include: list[str] = []
    if found := _INCLUDE.match(definition, rest):
        include, rest = bracketed(definition, found.end())
    predicate = None
    if found := _WHERE.match(definition, rest):
        predicate = definition[found.end() + 1 : _closing(definition, found.end())]
    return Index(
        name=identifiers.join(identifiers.split(constraint.table)[0], identifiers.split(constraint.name)[-1]),
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


def bracketed(text: str, start: int) -> tuple[list[str], int]:
    """The elements of the list whose bracket opens at `start`, cut at the commas of that level, and where it ends."""
    end = _closing(text, start)
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


def _closing(text: str, start: int) -> int:
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


def explain(constraint: Constraint) -> tuple[str, dict[str, Any]]:
    """The collection and the keys that `define` would make its definition of; the inverse of `define`.

    What the other collections cannot say is in `constraints`, by its form and its definition.
    """
    definition = constraint.definition or ""
    for collection, form in FORMS.items():
        if form == constraint.form:
            said = _taken_apart(collection, definition)
            if said is not None and define(collection, said) == definition:
                return collection, said
    return "constraints", {"form": constraint.form, "definition": definition}


def _taken_apart(collection: str, definition: str) -> dict[str, Any] | None:
    said: dict[str, Any] = {}
    match collection:
        case "checks":
            return {"expression": definition[7:-1]}
        case "excludes":
            return {"definition": definition}
        case "foreign_keys":
            said["columns"], at = bracketed(definition, definition.find("("))
            if not (found := _REFERENCES.match(definition, at)):
                return None
            said["references"], at = found["table"], found.end()
            if definition[at : at + 1] == "(":
                said["to"], at = bracketed(definition, at)
            if actions := _ACTIONS.match(definition, at):
                said |= {key: actions[key].lower() for key in ("on_update", "on_delete") if actions[key]}
                if actions["match"]:
                    said["match"] = "full"
                if actions["columns"]:
                    said["on_delete_columns"], _ = bracketed(definition, actions.end() - 1)
        case _:
            if not (head := _HEAD.match(definition)):
                return None
            said["columns"], at = bracketed(definition, head.end())
            if head["nulls"]:
                said["nulls_not_distinct"] = True
            if found := _INCLUDE.match(definition, at):
                said["include"], _ = bracketed(definition, found.end())
    columns = [*said["columns"], *said.get("to", ()), *said.get("include", ()), *said.get("on_delete_columns", ())]
    return said if all(identifiers.join(identifiers.bare(each)) == each for each in columns) else None
