"""What information_schema leaves out of the catalog, or shows as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pgcontract.catalog.information_schema import InformationSchema, InformationSchemaConstraint
from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Constraint, Schema, Table
from pgcontract.values import dataclass

NOT_SHOWN = "nothing"
_UNNAMED_TYPES = ("ARRAY", "USER-DEFINED")


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One object that information_schema hides or blurs: what the catalog says, and what the views show instead."""

    kind: str
    name: str
    catalog: str
    information_schema: str


def find_information_schema_gaps(catalog: Schema, views: InformationSchema) -> tuple[Gap, ...]:
    """What a reader of information_schema alone would miss in `views.schemas`, in the order of kinds.

    Comments, owners and storage, for which the standard has no view, are not listed one by one.
    """
    gaps = (
        *_tables(catalog, views),
        *_columns(catalog, views),
        *_constraints(catalog, views),
        *_indexes(catalog),
        *_triggers(catalog, views),
        *_kinds_without_view(catalog),
    )
    return (*(gap for gap in gaps if _is_in(gap.name, views.schemas)), *_grants(catalog, views))


def _is_in(name: str, schemas: tuple[str, ...]) -> bool:
    """Whether a name, or a label that begins with one, begins with one of the schemas, as the server spells them."""
    written, _ = split_name(name)
    return written[0] in schemas


def _tables(catalog: Schema, views: InformationSchema) -> Iterator[Gap]:
    shown = {table.name: table.type for table in views.tables}
    for table in catalog.tables:
        information_schema = shown.get(table.name, NOT_SHOWN)
        in_catalog = ", ".join((_describe_form(table), *_describe_row_security(table)))
        if information_schema == NOT_SHOWN or in_catalog != "table":
            yield Gap(kind="table", name=table.name, catalog=in_catalog, information_schema=information_schema)
    for view in catalog.views:
        if view.name not in shown:
            in_catalog = "materialized view" if view.materialized else "view"
            yield Gap(kind="view", name=view.name, catalog=in_catalog, information_schema=NOT_SHOWN)


def _describe_form(table: Table) -> str:
    form = table.form if table.persistence == "permanent" else f"{table.persistence} {table.form}"
    return f"{form}, partition of {table.partition_of}" if table.partition_of else form


def _describe_row_security(table: Table) -> Iterator[str]:
    if table.row_security:
        yield "row security enabled and forced" if table.force_row_security else "row security enabled"


def _columns(catalog: Schema, views: InformationSchema) -> Iterator[Gap]:
    types = {f"{column.table}.{column.name}": column.data_type for column in views.columns}
    for column in catalog.columns:
        information_schema = types.get(column.name)
        if information_schema in _UNNAMED_TYPES:
            yield Gap(kind="column", name=column.name, catalog=column.type, information_schema=information_schema)


def _constraints(catalog: Schema, views: InformationSchema) -> Iterator[Gap]:
    shown = {
        f"{shown_constraint.table}.{shown_constraint.name}": shown_constraint for shown_constraint in views.constraints
    }
    tables = {table.name for table in catalog.tables}
    for constraint in catalog.constraints:
        information_schema = shown.get(constraint.name)
        state = ", ".join(_describe_state(constraint, information_schema))
        if constraint.table in tables and (information_schema is None or state):
            in_catalog = f"{constraint.form}, {state}" if state else constraint.form
            shown_as = information_schema.type if information_schema else NOT_SHOWN
            yield Gap(kind="constraint", name=constraint.name, catalog=in_catalog, information_schema=shown_as)
    checks = Counter(live_constraint.table for live_constraint in catalog.constraints if live_constraint.form == "check")
    rows = Counter(shown_constraint.table for shown_constraint in views.constraints if shown_constraint.type == "CHECK")
    for table, count in sorted(rows.items()):
        if count != checks[table]:
            in_catalog, shown_as = f"{checks[table]} CHECK", f"{count} CHECK, each NOT NULL counted as one"
            yield Gap(kind="table", name=table, catalog=in_catalog, information_schema=shown_as)


def _describe_state(constraint: Constraint, information_schema: InformationSchemaConstraint | None) -> Iterator[str]:
    if not constraint.enforced and (information_schema is None or information_schema.enforced == "YES"):
        yield "not enforced"
    if not constraint.validated:
        yield "not validated"
    if constraint.no_inherit:
        yield "not inherited"


def _indexes(catalog: Schema) -> Iterator[Gap]:
    """The standard knows no indexes; those behind a constraint at least show as that, unless it excludes."""
    for index in catalog.indexes:
        if index.constraint is None:
            words = ["unique" if index.unique else "", "partial" if index.predicate else "", index.method]
            in_catalog = " ".join(filter(None, [*words, f"index on {', '.join(index.keys)}"]))
            yield Gap(kind="index", name=index.name, catalog=in_catalog, information_schema=NOT_SHOWN)


def _triggers(catalog: Schema, views: InformationSchema) -> Iterator[Gap]:
    shown: dict[str, list[str]] = {}
    for row in views.triggers:
        shown.setdefault(f"{row.table}.{row.name}", []).append(row.event_manipulation.lower())
    for trigger in catalog.triggers:
        events = shown.get(trigger.name, [])
        columns = f" of {', '.join(trigger.columns)}" if trigger.columns else ""
        mode = "" if trigger.enabled == "origin" else f", enabled: {trigger.enabled}"
        if set(events) != set(trigger.events) or columns or mode:
            in_catalog = f"{trigger.timing} {' or '.join(trigger.events)}{columns}{mode}"
            information_schema = f"{trigger.timing} {' or '.join(events)}" if events else NOT_SHOWN
            yield Gap(kind="trigger", name=trigger.name, catalog=in_catalog, information_schema=information_schema)


def _kinds_without_view(catalog: Schema) -> Iterator[Gap]:
    """Kinds for which the standard has no view at all."""
    for policy in catalog.policies:
        in_catalog = f"{'permissive' if policy.permissive else 'restrictive'} policy for {policy.command}"
        yield Gap(kind="policy", name=policy.name, catalog=in_catalog, information_schema=NOT_SHOWN)
    for rule in catalog.rules:
        yield Gap(kind="rule", name=rule.name, catalog=rule.definition, information_schema=NOT_SHOWN)
    for statistic in catalog.statistics:
        yield Gap(
            kind="statistics", name=statistic.name, catalog=", ".join(statistic.kinds), information_schema=NOT_SHOWN
        )


def _grants(catalog: Schema, views: InformationSchema) -> Iterator[Gap]:
    shown: dict[tuple[str, str], set[str]] = {}
    for row in views.privileges:
        shown.setdefault((row.table, row.grantee), set()).add(row.privilege)
    for grant in catalog.grants:
        kind, name = grant.object
        if kind in ("table", "view") and _is_in(name, views.schemas):
            privileges = shown.get((name, grant.grantee), set())
            missing = [
                privilege
                for privilege in grant.privileges
                if privilege.removesuffix(" with grant option") not in privileges
            ]
            if missing:
                information_schema = ", ".join(sorted(privileges)) or NOT_SHOWN
                in_catalog = ", ".join(grant.privileges)
                yield Gap(kind="grant", name=grant.name, catalog=in_catalog, information_schema=information_schema)
