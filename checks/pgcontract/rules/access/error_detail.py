"""What a refusal tells to whoever reads the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.catalog.server_spelling import last_part
from pgcontract.contract.identifiers import bare
from pgcontract.model.schema import Constraint
from pgcontract.postgres.script_execution import Refusal, refusal_of
from pgcontract.probes.context import Promise, Trial
from pgcontract.probes.sample_rows import as_text, insert_statement, simplest_row, simplest_value
from pgcontract.result.finding import Evidence, Finding, Severity, Status
from pgcontract.rules.registry import answer, check


def _tables(promise: Promise) -> Iterator[str]:
    return (table.name for table in promise.own.tables if table.form != "foreign table")


@check("leak.detail", subjects=_tables, severity=Severity.INFO)
def leak_detail(trial: Trial) -> Iterator[Finding]:
    """What the DETAIL of a violated CHECK tells of the row.

    Why it matters: it goes to the server's log, to the client and from there to error trackers: whole rows, personal
    data and all, of exactly those people whose data was refused.
    How it is measured: a declared example that a CHECK refuses is put into the sample row and inserted; where no
    example is declared, a CHECK that refuses everything is added for the purpose. The DETAIL is shown with the columns
    whose values stand in it.
    What to do: nothing in the schema turns it off. Set log_error_verbosity = terse, strip DETAIL in the application
    before it is logged, and refuse bad values there first; a role under row level security is told no values.
    """
    for table in _tables(trial.promise):
        checks = [each for each in trial.after.constraints if each.table == table and each.form == "check"]
        if not checks:
            yield answer(Status.KEPT, table, f"{table} has no CHECK whose violation could tell a row.")
            continue
        row, refusal = _violated(trial, table, checks)
        yield _told(trial, table, row, refusal)


def _told(trial: Trial, table: str, row: Mapping[str, Any], refusal: Refusal | None) -> Finding:
    if refusal is None or refusal.sqlstate != "23514":
        said = f": {refusal}" if refusal else ""
        # Told, never judged: a CHECK for which nobody gave a refused example leaves only less to tell.
        return answer(Status.NOTED, table, f"No CHECK of {table} could be violated to see what is told{said}.")
    if refusal.detail is None:
        return answer(Status.KEPT, table, f"A violated CHECK of {table} tells nothing of the row.")
    columns = [
        bare(last_part(each.name, each.table))
        for each in sorted(trial.after.columns, key=lambda each: each.position)
        if each.table == table
    ]
    shown = [name for name in columns if str(as_text(row.get(name)))[:64] in refusal.detail and name in row]
    return answer(
        Status.NOTED,
        table,
        f"A violated CHECK of {table} tells the whole row in its DETAIL, {len(columns)} columns: {', '.join(columns)}.",
        actual=refusal.detail,
        remedy="Set log_error_verbosity = terse, and strip DETAIL in the application before it is logged.",
        evidence=[
            *refusal.evidence(),
            Evidence(title="Values of the row that was refused, found in the DETAIL", text=", ".join(shown)),
        ],
    )


def _violated(trial: Trial, table: str, checks: list[Constraint]) -> tuple[Mapping[str, Any], Refusal | None]:
    """A row that a CHECK refuses, and the refusal."""
    sample = {
        **_made_each_time(trial, table),
        **(trial.promise.samples.get(table) or simplest_row(trial.after, table)),
    }
    contract = trial.promise.contract
    names = {each.name for each in checks}
    refused = (
        {**sample, **row}
        for examples in (contract.examples if contract else ())
        if examples.constraint in names
        for row in examples.refuse
    )
    for row in refused:
        refusal = _inserted(trial, table, row)
        if refusal is not None and refusal.sqlstate == "23514":
            return row, refusal
    return sample, _inserted(trial, table, sample, probe=True)


def _made_each_time(trial: Trial, table: str) -> Mapping[str, Any]:
    """Values in place of defaults that a function makes anew each time, so that two runs are told the same."""
    return {
        bare(last_part(each.name, each.table)): simplest_value(trial.after, each.type)
        for each in trial.after.columns
        if each.table == table and each.default and "(" in each.default and not each.generated
    }


def _inserted(trial: Trial, table: str, row: Mapping[str, Any], *, probe: bool = False) -> Refusal | None:
    with trial.workbench.rolled_back(trial.after_state) as connection:
        if probe:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT pgcontract_probe CHECK (false) NOT VALID").format(sql.SQL(table))
            )
        # A trigger may put the transaction's time in place of the one that was sent; two runs are told the same even so.
        begun = connection.execute("SELECT now()::text").fetchone()
        assert begun
        try:
            connection.execute(insert_statement(table, row), [as_text(value) for value in row.values()])
        except psycopg.Error as error:
            refusal = refusal_of(error)
            return replace(refusal, detail=refusal.detail and refusal.detail.replace(begun[0], "now()"))
    return None
