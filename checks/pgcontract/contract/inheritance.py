"""A later contract inherits what was declared before it, and restates only the keys it changes.

A partition inherits too: its parent's columns, where it declares none, and its parent's CHECKs.

Words are nested mappings as in the file, {kind: {name: part}}, with names spelled as the server spells them, the
lists of `grant` keyed by name, and under ORIGIN the place where a part was last declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pgcontract.contract import identifiers
from pgcontract.contract.documents import ContractSpec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.validation_errors import Mistake, nearest, spell_path
from pgcontract.model.schema import Origin

Words = dict[str, Any]

ORIGIN: Final = "@origin"
COLLECTIONS: Final = frozenset(
    (
        "columns", "checks", "uniques", "foreign_keys", "excludes", "constraints",
        "indexes", "triggers", "policies", "rules", "grants",
    )
)  # fmt: skip
_SINGLE: Final = ("primary_key", "row_count")
_FREE: Final = ("setting", "default_grant", "other", "grant", "constraints")  # their names are no SQL identifiers

_PASSED_ON: Final = frozenset(
    ("purpose", "type", "null", "default", "generated", "identity", "collation", "storage", "compression")
)
_EXAMPLES: Final = frozenset(("accept", "refuse", "column", "comment"))
_NOT_SHAPE: Final = frozenset(
    (
        "migration", "after", "accepted", "comments", "document", "file", "verification", "waiver",
        "language", "machine", "clock", "tie", "flow", "race", "query", "dataset", "rows",
    )
)  # fmt: skip
KINDS: Final = frozenset(
    field.alias or name for name, field in ContractSpec.model_fields.items() if name not in _NOT_SHAPE
)


def words_of(spec: ContractSpec, *, file: str, lines: Mapping[KeyPath, int], mistakes: list[Mistake]) -> Words:
    """The words of one contract, each part with its place; a name that is there in two spellings is a mistake."""
    said = spec.model_dump(exclude_unset=True, by_alias=True)

    def origin(path: KeyPath) -> Origin:
        return Origin(file=file, line=line_of(path, lines))

    def parts(kind: str, path: KeyPath, given: Words) -> Words:
        found: Words = {}
        for key, value in given.items():
            name = key if kind in _FREE else identifiers.spell(key, parts=(1, 9), example=key)
            here = (*path, key)
            if name in found:
                message = f"{spell_path(here)} is declared twice, in two spellings of {name}"
                mistakes.append(Mistake(file=file, line=line_of(here, lines), message=message))
            found[name] = part(value if isinstance(value, dict) else {"privileges": value}, here)
        return found

    def part(given: Words, path: KeyPath) -> Words:
        found: Words = {ORIGIN: origin(path)}
        for key, value in given.items():
            here = (*path, key)
            if key in COLLECTIONS and isinstance(value, dict):
                found[key] = parts(key, here, value)
            elif key in _SINGLE:
                found[key] = part(value if isinstance(value, dict) else {"rows": value}, here)
            elif key == "sample":
                found[key] = {identifiers.bare(each): sent for each, sent in value.items()}
            else:
                found[key] = value
        return found

    found = {kind: parts(kind, (kind,), value) for kind, value in said.items() if kind in KINDS and kind != "grant"}
    grants = {}
    for index, value in enumerate(said.get("grant", ())):
        grants[f"{value.get('on')} to {value.get('grantee')}"] = part(value, ("grant", index))
    return {**found, "grant": grants} if grants else found


def inherit(before: Words, own: Words, mistakes: list[Mistake]) -> Words:
    """What is declared once `own` is added to `before`."""
    result = dict(before)
    for kind, parts in own.items():
        result[kind] = _restate(before.get(kind, {}), parts, mistakes)
    return result


def _restate(old: Words, new: Words, mistakes: list[Mistake]) -> Words:
    result = dict(old)
    for name, part in new.items():
        if not part.get("removed"):
            result[name] = _merge(result.get(name), part, mistakes)
        elif name in result:
            del result[name]
        else:
            message = f"{name} is not declared before this, so it cannot be removed; {nearest(name, old)}"
            mistakes.append(Mistake(file=part[ORIGIN].file, line=part[ORIGIN].line, message=message))
    return result


def _merge(old: Words | None, new: Words, mistakes: list[Mistake]) -> Words:
    hanging = {*COLLECTIONS, *_SINGLE}
    result = {key: value for key, value in (old or {}).items() if key in hanging or "anew" not in new}
    for key, value in new.items():
        if key in COLLECTIONS and isinstance(value, dict):
            result[key] = _restate(result.get(key, {}), value, mistakes)
        elif key in _SINGLE:
            result |= _restate({key: result[key]} if key in result else {}, {key: value}, mistakes)
            if value.get("removed"):
                result.pop(key, None)
        else:
            result[key] = value
    result.pop("anew", None)
    if old and all(key in hanging or key == ORIGIN for key in new):
        result[ORIGIN] = old[ORIGIN]  # named only to reach what is in it: it stays declared where it was
    return result


def as_partition(name: str, tables: Mapping[str, Words]) -> Words:
    """A table's words with what a partition gets from its parent, and that from its own."""
    said = tables[name]
    parent = str(said.get("partition_of"))
    if parent not in tables or parent == name:
        return said
    above = as_partition(parent, {each: words for each, words in tables.items() if each != name})
    in_key = above.get("primary_key", {}).get("columns", ())
    columns = {
        column: {
            "null": column not in in_key,
            **{key: value for key, value in words.items() if key in _PASSED_ON},
            ORIGIN: said[ORIGIN],
        }
        for column, words in above.get("columns", {}).items()
    }
    checks = {
        check: {key: value for key, value in words.items() if key not in _EXAMPLES}
        | {"inherited": True, ORIGIN: said[ORIGIN]}
        for check, words in above.get("checks", {}).items()
        if not words.get("no_inherit")
    }
    return {
        **said,
        "columns": said.get("columns", columns),
        "checks": {**checks, **said.get("checks", {})},
    }


def primary_key_name(table: str, said: Mapping[str, Any]) -> str:
    """The primary key's part name, PostgreSQL's own where the owner gave none."""
    bare = said.get("name") or identifiers.quote(identifiers.derived(identifiers.split(table)[-1], "", "pkey"))
    return f"{table}.{bare}"
