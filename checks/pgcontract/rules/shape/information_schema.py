"""information_schema: whether it shows what is declared, and what it does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgcontract.catalog import InformationSchema, find_information_schema_gaps
from pgcontract.model.schema import Column, Table
from pgcontract.postgres.versions import MAINTAIN
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check

# information_schema's names of these; a type outside pg_catalog is only USER-DEFINED there.
_TABLE_FORMS = {"FOREIGN": "foreign table", "BASE TABLE": "table"}


def _tables(promise: Promise) -> tuple[str, ...]:
    return tuple(table.name for table in promise.declared.tables) if promise.contract else ()


@check("information_schema.shows_declared", subjects=_tables)
def information_schema_shows_declared(context: Context) -> Iterator[Answer]:
    """information_schema shows each declared table with the declared columns, constraints and trigger events.

    Why it matters: the document's own queries, ORMs and most tools read only these views.
    How it is measured: tables, columns (type, length, nullability), named constraints and triggers in
    information_schema, read as the migrating role, are compared with the contract.
    What to do: where the catalog agrees with the contract and the view does not, GRANT the reading role the privileges it
    lacks.
    """
    views = context.standard_views
    for table in context.spelling.schema.tables:
        wrong = [
            *_table_differences(table, views),
            *_column_differences(context, table, views),
            *_part_differences(context, table, views),
        ]
        if wrong:
            yield Answer(
                Status.BROKEN,
                table.name,
                f"information_schema does not show the table {table.name} as declared.",
                expected=wrong[0][1],
                actual=wrong[0][2],
                remedy="See the table.* and column.* checks; the views hide what the querying role has no privilege on.",
                evidence=[
                    Evidence(title="Differences", columns=("part", "declared", "information_schema"), rows=tuple(wrong))
                ],
                origin=table.origin,
            )
        else:
            yield Answer(
                Status.KEPT,
                table.name,
                f"information_schema shows the table {table.name} as declared.",
                origin=table.origin,
            )


def _table_differences(table: Table, views: InformationSchema) -> Iterator[tuple[str, str, str]]:
    shown = next((shown_table.type for shown_table in views.tables if shown_table.name == table.name), "nothing")
    form = "table" if table.form == "partitioned table" else table.form
    if _TABLE_FORMS.get(shown, shown) != form:
        yield "table", table.form, shown


def _column_differences(context: Context, table: Table, views: InformationSchema) -> Iterator[tuple[str, str, str]]:
    shown = [
        (column.name, _type_text(column.data_type, column.character_maximum_length), column.is_nullable)
        for column in sorted(views.columns, key=lambda column: column.ordinal_position)
        if column.table == table.name
    ]
    declared = [
        (
            column.quoted_name,
            _declared_type_text(context, column),
            "YES" if _nullable(context, column) else "NO",
        )
        for column in sorted(context.spelling.schema.columns, key=lambda column: column.position)
        if column.table == table.name
    ]
    if [name for name, *_ in shown] != [name for name, *_ in declared]:  # column.order tells of the order alone
        in_order = {name: number for number, (name, *_) in enumerate(shown)}
        declared.sort(key=lambda column: in_order.get(column[0], len(shown)))
    for number in range(max(len(shown), len(declared))):
        declared_column = declared[number] if number < len(declared) else ("nothing", "", "")
        shown_column = shown[number] if number < len(shown) else ("nothing", "", "")
        unnamed_type = declared_column[0] == shown_column[0] and (
            declared_column[1] == "" or shown_column[1] in ("ARRAY", "USER-DEFINED")
        )
        if (
            (declared_column[0], declared_column[2]) != (shown_column[0], shown_column[2])
            if unnamed_type
            else declared_column != shown_column
        ):
            yield f"column {number + 1}", " ".join(filter(None, declared_column)), " ".join(filter(None, shown_column))


def _declared_type_text(context: Context, column: Column) -> str:
    """The declared type as information_schema names it; empty where it has no name for it."""
    base = re.sub(r"\(.*?\)", "", column.type)
    length = re.fullmatch(r"(character varying|character)\((\d+)\)", column.type)
    custom = {data_type.name for data_type in context.after.types}
    if base in custom or base.endswith("[]") or base.startswith("interval"):
        return ""
    return f"{base}({length[2]})" if length else base


def _type_text(data_type: str, length: int | None) -> str:
    return f"{data_type}({length})" if length is not None and data_type.startswith("character") else data_type


def _nullable(context: Context, column: Column) -> bool:
    """A domain that is NOT NULL makes its columns so."""
    domain = next(
        (data_type for data_type in context.after.types if data_type.name == column.type and data_type.form == "domain"),
        None,
    )
    return column.null and (domain is None or domain.null)


def _part_differences(context: Context, table: Table, views: InformationSchema) -> Iterator[tuple[str, str, str]]:
    """Constraints and triggers by name; the views know no exclusion constraint and no TRUNCATE trigger."""
    shown = {shown_constraint.name for shown_constraint in views.constraints if shown_constraint.table == table.name}
    for constraint in context.spelling.schema.constraints:
        name = constraint.quoted_name
        if constraint.table == table.name and constraint.form not in ("exclude", "trigger") and name not in shown:
            yield f"constraint {name}", constraint.form, "nothing"
    events = {
        (shown_trigger.name, shown_trigger.event_manipulation.lower())
        for shown_trigger in views.triggers
        if shown_trigger.table == table.name
    }
    for trigger in context.spelling.schema.triggers:
        name = trigger.quoted_name
        if trigger.table == table.name:
            for event in trigger.events:
                if event != "truncate" and (name, event) not in events:
                    yield f"trigger {name}", event, "nothing"


def _catalog_subject(promise: Promise) -> tuple[str, ...]:
    return ("catalog",)


@check(
    "information_schema.complete", subjects=_catalog_subject, severity=Severity.INFO, version_features=(MAINTAIN.name,)
)
def information_schema_complete(context: Context) -> Iterator[Answer]:
    """information_schema shows everything that the migrations made.

    Why it matters: a verification query on these views passes on a table without indexes, or with a disabled trigger.
    How it is measured: what the migration made is read from pg_catalog and from information_schema, and the two are
    compared.
    What to do: query pg_catalog in place of information_schema, or read this report.
    """
    hidden = find_information_schema_gaps(context.changed_parts, context.standard_views)
    rows = tuple((view.kind, view.name, view.catalog, view.information_schema) for view in hidden)
    if not rows:
        yield Answer(Status.KEPT, "catalog", "information_schema shows all that the migration created.")
        return
    yield Answer(
        Status.NOTED,
        "catalog",
        f"information_schema hides or simplifies {len(rows)} parts of what the migration created.",
        evidence=[
            Evidence(
                title="What information_schema hides or simplifies",
                columns=("kind", "name", "catalog", "information_schema"),
                rows=rows,
            )
        ],
    )
