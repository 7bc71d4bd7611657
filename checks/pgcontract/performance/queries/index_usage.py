"""Which indexes the declared statements are planned to read: every query, and every step of every flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg

from pgcontract.contract import Flow, Query
from pgcontract.errors import CouldNotAsk
from pgcontract.performance.loading import Load, get_loaded_server
from pgcontract.performance.queries.parameter_samples import NoValue, draw_samples
from pgcontract.performance.queries.prepared_query import QueryRefused, number_parameters, prepare_query
from pgcontract.performance.queries.query_costs import indexes_of, limit_time
from pgcontract.performance.queries.query_plan import Call
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.values import dataclass

_WRITES = "ModifyTable"


@dataclass(frozen=True, kw_only=True)
class IndexUsage:
    """Planned at the largest size, `size` rows: by statement, the indexes it reads, by their full names, and the
    tables that any statement reads, by their bare ones. `pages` are those of each index."""

    size: int
    indexes: Mapping[str, frozenset[str]]
    tables: frozenset[str]
    pages: Mapping[str, int]

    def statements_reading(self, index: str) -> tuple[str, ...]:
        """The statements that read it."""
        return tuple(name for name, read in self.indexes.items() if index in read)


@cached_state_fact
def index_usage(head: Context) -> IndexUsage:
    """What the statements of every contract up to the head are planned to read. CouldNotAsk without loaded rows."""
    loaded_server = get_loaded_server(head)
    load = loaded_server.loads[-1]
    facts = indexes_of(head, load)
    indexes: dict[str, frozenset[str]] = {}
    tables: set[str] = set()
    with loaded_server.rolled_back(load) as connection:
        limit_time(connection, load)
        for name, query, sampled in _statements(head):
            calls = tuple(
                _planned_calls(connection, load, query, seed=f"{head.promise.seed}/{query.name}", sampled=sampled)
            )
            scans = [scan for call in calls for scan in call.scans if scan.node != _WRITES]
            indexes[name] = frozenset(fact.name for fact in facts.values() for scan in scans if fact.is_scanned_by(scan))
            tables.update(scan.table for scan in scans if scan.table)
    pages = {fact.name: fact.pages for fact in facts.values()}
    return IndexUsage(size=load.size, indexes=indexes, tables=frozenset(tables), pages=pages)


def _statements(head: Context) -> Iterator[tuple[str, Query, bool]]:
    """Each statement by its name in reports, as a query, and whether its parameters have values to draw."""
    for migration in head.promise.project.chain:
        if migration.contract is not None:
            for query in migration.contract.of(Query):
                yield f"the query {query.name}", query, True
            for flow in migration.contract.of(Flow):
                for step in flow.steps:
                    yield (
                        f"the step {step.name} of {flow.name}",
                        Query(name=step.name, sql=step.statements[-1], role=step.role, claims=step.claims),
                        False,
                    )


def _planned_calls(
    connection: psycopg.Connection, load: Load, query: Query, *, seed: str, sampled: bool
) -> Iterator[Call]:
    """Its generic plan, and for values that can be drawn the plan of each; none where the server does not take it."""
    nothing = (None,) * len(number_parameters(query.sql).names)
    try:
        with connection.transaction():
            samples = draw_samples(connection, query, rows=load.size, seed=f"{seed}/{load.size}") if sampled else ()
            with prepare_query(connection, query) as statement:
                statement.set_plan_mode("force_generic_plan")
                yield from statement.plans([nothing])
                statement.set_plan_mode("force_custom_plan")
                yield from statement.plans([sample.values for sample in samples])
    except (QueryRefused, NoValue, CouldNotAsk, psycopg.Error):  # query.runs and write.cost tell why
        return
