"""The standard's views: do they show what is promised, and what do they hide?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgcontract.catalog import StandardViews, hidden_by_standard_views
from pgcontract.catalog.server_spelling import last_part
from pgcontract.model.schema import Column, Table
from pgcontract.probes.context import Promise, Trial
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check

# information_schema has a word of its own for these; a type outside pg_catalog is only USER-DEFINED to it.
_TYPE_WORDS = {"FOREIGN": "foreign table", "BASE TABLE": "table"}


def _tables(promise: Promise) -> tuple[str, ...]:
    return tuple(table.name for table in promise.declared.tables) if promise.contract else ()


@check("lens.standard", subjects=_tables)
def lens_standard(trial: Trial) -> Iterator[Finding]:
    """information_schema shows each declared table with the declared columns, constraints and trigger events.

    Why it matters: the document's own queries, ORMs and most tools look through these views and nowhere else.
    How it is measured: tables, columns (order, type, length, nullability), named constraints and triggers of
    information_schema, read as the migrating role, against the contract.
    What to do: where the catalog agrees with the contract and the view does not, the reader's rights are at fault.
    """
    views = trial.standard_views
    for table in trial.spelling.schema.tables:
        wrong = [*_table(table, views), *_columns(trial, table, views), *_parts(trial, table, views)]
        if wrong:
            yield answer(
                Status.BROKEN,
                table.name,
                f"information_schema does not show the table {table.name} as it is declared.",
                expected=wrong[0][1],
                actual=wrong[0][2],
                remedy="Compare with the shape checks; the views hide what the asking role has no right to.",
                evidence=[
                    Evidence(title="Differences", columns=("part", "declared", "information_schema"), rows=tuple(wrong))
                ],
                origin=table.origin,
            )
        else:
            yield answer(
                Status.KEPT,
                table.name,
                f"information_schema shows the table {table.name} as it is declared.",
                origin=table.origin,
            )


def _table(table: Table, views: StandardViews) -> Iterator[tuple[str, str, str]]:
    shown = next((each.type for each in views.tables if each.name == table.name), "nothing")
    form = "table" if table.form == "partitioned table" else table.form
    if _TYPE_WORDS.get(shown, shown) != form:
        yield "table", table.form, shown


def _columns(trial: Trial, table: Table, views: StandardViews) -> Iterator[tuple[str, str, str]]:
    shown = [
        (each.name, _type(each.data_type, each.character_maximum_length), each.is_nullable)
        for each in sorted(views.columns, key=lambda each: each.ordinal_position)
        if each.table == table.name
    ]
    declared = [
        (last_part(each.name, each.table), _declared_type(trial, each), "YES" if _nullable(trial, each) else "NO")
        for each in sorted(trial.spelling.schema.columns, key=lambda each: each.position)
        if each.table == table.name
    ]
    for number in range(max(len(shown), len(declared))):
        ours = declared[number] if number < len(declared) else ("nothing", "", "")
        theirs = shown[number] if number < len(shown) else ("nothing", "", "")
        wordless = ours[0] == theirs[0] and (ours[1] == "" or theirs[1] in ("ARRAY", "USER-DEFINED"))
        if (ours[0], ours[2]) != (theirs[0], theirs[2]) if wordless else ours != theirs:
            yield f"column {number + 1}", " ".join(filter(None, ours)), " ".join(filter(None, theirs))


def _declared_type(trial: Trial, column: Column) -> str:
    """The declared type as information_schema words it; empty where it has no word for it."""
    base = re.sub(r"\(.*?\)", "", column.type)
    length = re.fullmatch(r"(character varying|character)\((\d+)\)", column.type)
    custom = {each.name for each in trial.after.types}
    if base in custom or base.endswith("[]") or base.startswith("interval"):
        return ""
    return f"{base}({length[2]})" if length else base


def _type(data_type: str, length: int | None) -> str:
    return f"{data_type}({length})" if length is not None and data_type.startswith("character") else data_type


def _nullable(trial: Trial, column: Column) -> bool:
    """A domain that is NOT NULL makes its columns so."""
    domain = next((each for each in trial.after.types if each.name == column.type and each.form == "domain"), None)
    return column.null and (domain is None or domain.null)


def _parts(trial: Trial, table: Table, views: StandardViews) -> Iterator[tuple[str, str, str]]:
    """Constraints and triggers by name; the views know no exclusion constraint and no TRUNCATE trigger."""
    shown = {each.name for each in views.constraints if each.table == table.name}
    for constraint in trial.spelling.schema.constraints:
        name = last_part(constraint.name, constraint.table)
        if constraint.table == table.name and constraint.form not in ("exclude", "trigger") and name not in shown:
            yield f"constraint {name}", constraint.form, "nothing"
    events = {(each.name, each.event_manipulation.lower()) for each in views.triggers if each.table == table.name}
    for trigger in trial.spelling.schema.triggers:
        name = last_part(trigger.name, trigger.table)
        if trigger.table == table.name:
            for event in trigger.events:
                if event != "truncate" and (name, event) not in events:
                    yield f"trigger {name}", event, "nothing"


def _all_tables(promise: Promise) -> tuple[str, ...]:
    return ("catalog",)


@check("lens.hidden", subjects=_all_tables, severity=Severity.INFO)
def lens_hidden(trial: Trial) -> Iterator[Finding]:
    """What somebody who looks only at information_schema would not see.

    Why it matters: a verification query over these views passes on a table without indexes, with a disabled trigger.
    How it is measured: what the migration made, in pg_catalog and in information_schema, side by side.
    What to do: look in pg_catalog, or here.
    """
    hidden = hidden_by_standard_views(trial.made, trial.standard_views)
    rows = tuple((each.kind, each.name, each.catalog, each.standard) for each in hidden)
    if not rows:
        yield answer(Status.KEPT, "catalog", "information_schema hides nothing of what the migration made.")
        return
    yield answer(
        Status.NOTED,
        "catalog",
        f"information_schema hides or blurs {len(rows)} parts of what the migration made.",
        evidence=[
            Evidence(
                title="What the standard's views hide",
                columns=("kind", "name", "catalog", "information_schema"),
                rows=rows,
            )
        ],
    )
