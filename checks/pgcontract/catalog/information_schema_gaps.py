"""Where the two lenses disagree: what the standard's views leave out of the catalog, or show as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pgcontract.catalog.information_schema import StandardConstraint, StandardViews
from pgcontract.model.schema import Constraint, Schema, Table

NOTHING = "nothing"
_OWN_TYPES = ("ARRAY", "USER-DEFINED")


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """One part that information_schema hides or blurs: what the catalog says, and what the views show instead."""

    kind: str
    name: str
    catalog: str
    standard: str


def hidden_by_standard_views(catalog: Schema, views: StandardViews) -> tuple[Hidden, ...]:
    """What somebody who looks only at information_schema would miss in `views.schemas`, in the order of kinds.

    Comments, owners and storage, which no view of the standard has a place for, are not told part by part.
    """
    found = (
        *_tables(catalog, views),
        *_columns(catalog, views),
        *_constraints(catalog, views),
        *_indexes(catalog),
        *_triggers(catalog, views),
        *_absent(catalog),
        *_grants(catalog, views),
    )
    inside = tuple(f"{schema}." for schema in views.schemas)
    return tuple(each for each in found if each.name.removeprefix("table ").removeprefix("view ").startswith(inside))


def _tables(catalog: Schema, views: StandardViews) -> Iterator[Hidden]:
    shown = {table.name: table.type for table in views.tables}
    for table in catalog.tables:
        standard = shown.get(table.name, NOTHING)
        catalog_says = ", ".join((_form(table), *_security(table)))
        if standard == NOTHING or catalog_says != "table":
            yield Hidden(kind="table", name=table.name, catalog=catalog_says, standard=standard)
    for view in catalog.views:
        if view.name not in shown:
            says = "materialized view" if view.materialized else "view"
            yield Hidden(kind="view", name=view.name, catalog=says, standard=NOTHING)


def _form(table: Table) -> str:
    form = table.form if table.persistence == "permanent" else f"{table.persistence} {table.form}"
    return f"{form}, partition of {table.partition_of}" if table.partition_of else form


def _security(table: Table) -> Iterator[str]:
    if table.row_security:
        yield "row security enabled and forced" if table.force_row_security else "row security enabled"


def _columns(catalog: Schema, views: StandardViews) -> Iterator[Hidden]:
    types = {f"{column.table}.{column.name}": column.data_type for column in views.columns}
    for column in catalog.columns:
        standard = types.get(column.name)
        if standard in _OWN_TYPES:
            yield Hidden(kind="column", name=column.name, catalog=column.type, standard=standard)


def _constraints(catalog: Schema, views: StandardViews) -> Iterator[Hidden]:
    shown = {f"{each.table}.{each.name}": each for each in views.constraints}
    tables = {table.name for table in catalog.tables}
    for constraint in catalog.constraints:
        standard = shown.get(constraint.name)
        state = ", ".join(_state(constraint, standard))
        if constraint.table in tables and (standard is None or state):
            says = f"{constraint.form}, {state}" if state else constraint.form
            told = standard.type if standard else NOTHING
            yield Hidden(kind="constraint", name=constraint.name, catalog=says, standard=told)
    checks = Counter(each.table for each in catalog.constraints if each.form == "check")
    rows = Counter(each.table for each in views.constraints if each.type == "CHECK")
    for table, count in sorted(rows.items()):
        if count != checks[table]:
            says, told = f"{checks[table]} CHECK", f"{count} CHECK, each NOT NULL counted as one"
            yield Hidden(kind="table", name=table, catalog=says, standard=told)


def _state(constraint: Constraint, standard: StandardConstraint | None) -> Iterator[str]:
    if not constraint.enforced and (standard is None or standard.enforced == "YES"):
        yield "not enforced"
    if not constraint.validated:
        yield "not validated"
    if constraint.no_inherit:
        yield "not inherited"


def _indexes(catalog: Schema) -> Iterator[Hidden]:
    """The standard knows no indexes; those behind a constraint at least show as that, unless it excludes."""
    for index in catalog.indexes:
        if index.constraint is None:
            words = ["unique" if index.unique else "", "partial" if index.predicate else "", index.method]
            says = " ".join(filter(None, [*words, f"index on {', '.join(index.keys)}"]))
            yield Hidden(kind="index", name=index.name, catalog=says, standard=NOTHING)


def _triggers(catalog: Schema, views: StandardViews) -> Iterator[Hidden]:
    shown: dict[str, list[str]] = {}
    for row in views.triggers:
        shown.setdefault(f"{row.table}.{row.name}", []).append(row.event_manipulation.lower())
    for trigger in catalog.triggers:
        told = shown.get(trigger.name, [])
        columns = f" of {', '.join(trigger.columns)}" if trigger.columns else ""
        mode = "" if trigger.enabled == "origin" else f", enabled: {trigger.enabled}"
        if set(told) != set(trigger.events) or columns or mode:
            says = f"{trigger.timing} {' or '.join(trigger.events)}{columns}{mode}"
            standard = f"{trigger.timing} {' or '.join(told)}" if told else NOTHING
            yield Hidden(kind="trigger", name=trigger.name, catalog=says, standard=standard)


def _absent(catalog: Schema) -> Iterator[Hidden]:
    """Kinds for which the standard has no view at all."""
    for policy in catalog.policies:
        says = f"{'permissive' if policy.permissive else 'restrictive'} policy for {policy.command}"
        yield Hidden(kind="policy", name=policy.name, catalog=says, standard=NOTHING)
    for rule in catalog.rules:
        yield Hidden(kind="rule", name=rule.name, catalog=rule.definition, standard=NOTHING)
    for each in catalog.statistics:
        yield Hidden(kind="statistics", name=each.name, catalog=", ".join(each.kinds), standard=NOTHING)


def _grants(catalog: Schema, views: StandardViews) -> Iterator[Hidden]:
    shown: dict[tuple[str, str], set[str]] = {}
    for row in views.privileges:
        shown.setdefault((row.table, row.grantee), set()).add(row.privilege)
    for grant in catalog.grants:
        kind, _, name = grant.on.partition(" ")
        if kind in ("table", "view"):
            told = shown.get((name, grant.grantee), set())
            missing = [each for each in grant.privileges if each.removesuffix(" with grant option") not in told]
            if missing:
                standard = ", ".join(sorted(told)) or NOTHING
                says = ", ".join(grant.privileges)
                yield Hidden(kind="grant", name=grant.name, catalog=says, standard=standard)
