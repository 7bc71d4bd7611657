"""Views that show a role rows which row security hides from it in the table, elsewhere than on Supabase: each is read by
the role as it is, and as its caller's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.model.schema import Grant, View
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.executed.bodies import populated_state
from pgcontract.probes.executed.firing import Firing
from pgcontract.probes.executed.granted_roles import attempt_as, row_of, stage_of_roles
from pgcontract.probes.roles.acting import Outcome, literal
from pgcontract.values import dataclass

_BELOW: Final = """
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, t.relname)
  FROM pg_catalog.pg_rewrite AS w
  JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
  JOIN pg_catalog.pg_class AS t ON d.refclassid = 'pg_catalog.pg_class'::regclass AND t.oid = d.refobjid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
 WHERE w.ev_class = {}::regclass AND t.relrowsecurity AND t.oid <> w.ev_class
 ORDER BY 1
"""
_SETTING: Final = re.compile(r"current_setting\('([^']+)'")
# Of a tenant that nobody is: as a uuid, as a number, as a name.
_VALUES: Final = ("00000000-0000-4000-8000-0000000000ff", "2000000001", "nobody")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The role reads `rows` through the view, and `own` with the rights that it has on the table."""

    view: View
    table: str
    role: str
    rows: int
    own: int
    outcome: Outcome


@cached_state_fact
def seen_past_policies(context: Context) -> tuple[Seen, ...]:
    """The first role and table of each view. CouldNotAsk where the head is not applied."""
    views = {view.name: view for view in context.migrated.views if not view.materialized}
    readers = [
        (grant, views[name])
        for grant in context.migrated.grants
        for kind, name in [grant.object]
        if kind == "view" and name in views and grant.grantee != "public" and "select" in grant.privileges
    ]
    if not readers or not any(table.row_security for table in context.migrated.tables):
        return ()
    found: dict[str, Seen] = {}
    for seen in _read_views(context, readers):
        found.setdefault(seen.view.name, seen)
    return tuple(found.values())


def _read_views(context: Context, readers: Sequence[tuple[Grant, View]]) -> Iterator[Seen]:
    with stage_of_roles(context, populated_state(context)) as (stage, roles):
        firing = Firing(context, stage.connection)
        for grant, view in readers:
            if grant.grantee not in roles:
                continue
            for (table,) in stage.attempt(_BELOW.format(literal(view.name))).rows:
                row = row_of(stage, firing, table)
                read = f"SELECT count(*) FROM {view.name}"  # noqa: S608 - names of the catalog
                policies = [one.using or "" for one in context.after.policies if one.table == table]
                names = sorted({name for text in policies for name in _SETTING.findall(text)})
                for value in _VALUES if names else ("",):
                    settings = [f"SELECT set_config({literal(name)}, {literal(value)}, true)" for name in names]
                    invoker = f"ALTER VIEW {view.name} SET (security_invoker = true)"
                    before = [one for one in (row, *settings) if one]
                    own = attempt_as(stage, grant.grantee, read, "; ".join([*before, invoker]))
                    if own.refusal is not None:
                        continue  # it may not read the table: the view is its door; or the value is none of the type
                    seen = attempt_as(stage, grant.grantee, read, "; ".join(before))
                    if seen.refusal is None and seen.rows[0][0] > own.rows[0][0]:
                        yield Seen(
                            view=view,
                            table=table,
                            role=grant.grantee,
                            rows=seen.rows[0][0],
                            own=own.rows[0][0],
                            outcome=seen,
                        )
                    break


def as_pasted(seen: Seen) -> str:
    """What to paste into a session of one's own to see the same."""
    return f"BEGIN;\nSET LOCAL ROLE {identifier(seen.role).as_string(None)};\n{seen.outcome.statement};\nROLLBACK;"
