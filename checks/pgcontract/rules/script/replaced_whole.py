"""Tables, views, functions and columns that take the name of another: what hung on that one goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.probes.context import Context
from pgcontract.probes.replaced_columns import replaced_columns
from pgcontract.probes.replaced_objects import Lack, ReplacedObject, replaced_objects
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.pending import pending_script
from pgcontract.rules.registry import check, otherwise_kept

_MAX_NAMED: Final = 3


@check("object.replaced_whole", subjects=pending_script, severity=Severity.ERROR)
@otherwise_kept("script", "What takes another's name has all that hung on that one.")
def object_replaced_whole(context: Context) -> Iterator[Answer]:
    """What takes the name of a table, view, function or column that was there before has all that hung on that one.

    Why it matters: after RENAME, and after DROP and CREATE, foreign keys, views and publications go on with the old
    table, and its triggers, policies and grants stay with it or are gone: writes are checked against rows that nobody
    changes any more, views show these, and whoever was granted access is refused. A column that is renamed into the
    place of another (a bigint for an int) has neither its default nor its keys, indexes and constraints.
    How it is measured: objects are followed by their identity. Where another one has the name after the pending
    migration, its grants, constraints, indexes, triggers, policies, defaults and options are compared with those that the
    name had, and what referred to the old one is looked up. What the script drops by name is meant. A foreign key, view,
    policy or partition that stays behind, access that is lost or opened, and a default that inserts need are errors; all
    else is a warning.
    What to do: make them again on the new one, in the same transaction; or change the table that is there by ALTER TABLE.
    """
    for replaced in (*replaced_objects(context), *replaced_columns(context)):
        if not replaced.lacks:
            continue
        lacks = sorted(replaced.lacks, key=lambda lack: not lack.serious)
        yield Answer(
            Status.BROKEN,
            replaced.name,
            _summary(replaced, lacks),
            expected=f"what {replaced.name} had before the migration",
            actual=f"without {len(lacks)} of it" if len(lacks) > 1 else f"without {lacks[0].what}",
            remedy=_remedy(lacks),
            evidence=[
                Evidence(
                    title=f"What {replaced.name} had, and has no more",
                    columns=("what", "brought over by"),
                    rows=tuple((lack.what, lack.sql or "-") for lack in lacks),
                )
            ],
            origin=_origin(context, replaced),
            severity=Severity.ERROR if lacks[0].serious else Severity.WARNING,
        )


def _summary(replaced: ReplacedObject, lacks: list[Lack]) -> str:
    where = f"; the old one is {replaced.old} now" if replaced.old else ""
    more = f", and {len(lacks) - _MAX_NAMED} more" if len(lacks) > _MAX_NAMED else ""
    named = "; ".join(lack.what for lack in lacks[:_MAX_NAMED])
    return f"{replaced.name} is another {replaced.kind} after the migration{where}. It lacks: {named}{more}."


def _remedy(lacks: list[Lack]) -> str:
    written = next((lack.sql for lack in lacks if lack.sql and len(lack.sql) < 200), "")
    if not written:
        return "Make them again on the new one, in the same transaction."
    return f"Add {written}" + (" And so for the others." if len(lacks) > 1 else "")


def _origin(context: Context, replaced: ReplacedObject) -> Origin:
    """The last statement that gives the name to another."""
    script, bare = context.promise.script, QualifiedName.parse(replaced.name.partition("(")[0]).name
    statement = next((each for each in reversed(script.statements) if _gives_name(each, bare)), None)
    if statement is None:
        return Origin(file=script.path)
    return Origin(file=statement.path or script.path, line=statement.line, column=statement.column)


def _gives_name(statement: Statement, bare: str) -> bool:
    if not names_in_code(statement.text, bare):
        return False
    creates = statement.words[:1] == ("CREATE",) and not {"TRIGGER", "INDEX", "POLICY", "RULE"} & {*statement.words[:4]}
    return (
        creates
        or statement.words[:1] == ("DO",)
        or any(names_in_code(statement.text, word) for word in ("RENAME", "SET SCHEMA"))
    )
