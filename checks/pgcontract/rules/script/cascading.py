"""Objects that go with another by CASCADE, without a word of them in the script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pgcontract.catalog.object_ids import read_object_ids
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Origin, Part
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import without_comments
from pgcontract.probes.context import Context
from pgcontract.probes.replaced_objects import replaced_objects
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check

_CASCADES: Final = re.compile(r"\bDROP\b.*\bCASCADE\b", re.IGNORECASE | re.DOTALL)
_SCHEMA: Final = re.compile(r"\bDROP\s+SCHEMA\b", re.IGNORECASE)
_WHOLE: Final = ("view", "function", "type", "table")
_OF_TABLES: Final = ("constraint", "trigger", "policy", "rule", "column")
_MAX_NAMED: Final = 3


@check("object.not_cascaded", subjects=pending_script, severity=Severity.WARNING)
def object_not_cascaded(context: Context) -> Iterator[Answer]:
    """Nothing is dropped by CASCADE that the script does not name.

    Why it matters: CASCADE takes views, foreign keys, defaults, triggers, policies, functions and columns along that
    stand elsewhere, and the script says of none of them that it is gone; queries fail, and rows are let in that a key
    kept out.
    How it is measured: where a statement of the pending migration drops with CASCADE, what was there before is followed
    by its identity. What is gone while its own table is there, and is named by no statement that drops, was taken along.
    A default that inserts need is an error.
    What to do: drop each by its name, in front, and leave CASCADE out: what was forgotten then stops the migration. Make
    again what is still needed.
    """
    statements = [each for each in context.promise.script.statements if _CASCADES.search(without_comments(each.text))]
    gone = list(_gone(context, statements)) if statements else []
    if not gone:
        yield Answer(Status.KEPT, "script", "Nothing is dropped by CASCADE that the script does not name.")
        return
    gone.sort(key=lambda each: not each[1])
    named = ", ".join(what for what, _ in gone[:_MAX_NAMED])
    more = f" and {len(gone) - _MAX_NAMED} more" if len(gone) > _MAX_NAMED else ""
    first = statements[0]
    yield Answer(
        Status.BROKEN,
        "script",
        f"CASCADE at line {first.line} drops more than the script names: {named}{more}.",
        expected="every object that goes is named",
        actual=f"{len(gone)} that {'is' if len(gone) == 1 else 'are'} not",
        remedy="Drop each by its name in front, and leave CASCADE out; make again what is still needed.",
        evidence=[
            Evidence(title="The statement", text=first.shown, language="sql"),
            Evidence(title="What goes with it", text="\n".join(what for what, _ in gone)),
        ],
        origin=Origin(file=first.path or context.promise.script.path, line=first.line, column=first.column),
        severity=Severity.ERROR if gone[0][1] else Severity.WARNING,
    )


def _gone(context: Context, statements: list[Statement]) -> Iterator[tuple[str, bool]]:
    """Each with its kind, and whether inserts fail without it."""
    with context.sandbox.rolled_back(context.before_state) as connection:
        before = read_object_ids(connection)
    with context.sandbox.rolled_back(context.after_state) as connection:
        after = read_object_ids(connection)
    known = {
        (label.partition(" ")[0], numbers[:2] if label.startswith("column ") else numbers[:1])
        for label, numbers in after.items()
    }
    there = {(part.kind, part.name) for part in context.after.parts()}
    replaced_parts = " ".join(lack.what for replaced in replaced_objects(context) for lack in replaced.lacks)
    for part in context.before.parts():
        numbers = before.get(f"{part.kind} {part.name}")
        if numbers is None or part.kind not in (*_WHOLE, *_OF_TABLES) or (part.kind, part.name) in there:
            continue
        identity = numbers[:2] if part.kind == "column" else numbers[:1]
        if (part.kind, identity) in known or not _has_own_place(part, before, known) or _is_named(context, part):
            continue
        if not any(_drops_schema(statement, part) for statement in statements) and part.name not in replaced_parts:
            yield f"{_kind(part)} {part.name}", False
    yield from _defaults(context, replaced_parts)


def _has_own_place(part: Part, before: Mapping[str, tuple[int, ...]], known: set[tuple[str, tuple[int, ...]]]) -> bool:
    """Whether it is no part of a table, view or type, or of one that is still there."""
    table = getattr(part, "table", None)
    if table is None:
        return True
    return any((kind, before.get(f"{kind} {table}", (0,))[:1]) in known for kind in ("table", "view"))


def _is_named(context: Context, part: Part) -> bool:
    bare = QualifiedName.parse(part.name.partition("(")[0]).name if part.kind == "function" else part.bare_name
    return any(
        names_in_code(each.text, "DROP") and names_in_code(each.text, bare) for each in context.promise.script.statements
    )


def _drops_schema(statement: Statement, part: Part) -> bool:
    return bool(_SCHEMA.search(statement.text)) and names_in_code(statement.text, part.qualified_name.schema)


def _defaults(context: Context, replaced_parts: str) -> Iterator[tuple[str, bool]]:
    """Defaults that went with a sequence or a function."""
    after = {column.name: column for column in context.after.columns}
    for column in context.before.columns:
        now = after.get(column.name)
        if now is None or not column.default or column.generated or now.default or now.identity or now.generated:
            continue
        if not _sets_default(context, column) and f"default of {column.quoted_name}" not in replaced_parts:
            yield f"default of {column.name}", not now.null


def _sets_default(context: Context, column: Column) -> bool:
    return any(
        names_in_code(each.text, "DEFAULT") and names_in_code(each.text, column.bare_name)
        for each in context.promise.script.statements
    )


def _kind(part: Part) -> str:
    form = getattr(part, "form", None)
    return str(form) if part.kind == "constraint" and form else part.kind
