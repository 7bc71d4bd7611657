"""Tell two CHECK expressions apart by a declared example that one accepts and the other refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.canonical import last_part
from pgcontract.compare import Difference
from pgcontract.finding import Evidence
from pgcontract.model import Constraint
from pgcontract.trial import Trial


def separate(trial: Trial, difference: Difference) -> Evidence | None:
    """The first example that separates the two texts, as evidence; None where no declared example does."""
    part = difference.part
    contract = trial.promise.contract
    if contract is None or not isinstance(part, Constraint) or part.form != "check":
        return None
    for examples in contract.examples:
        if examples.constraint == part.name:
            for row in (*examples.accept, *examples.refuse):
                answers = _evaluate(trial, part, row, (difference.expected, difference.actual))
                if answers is not None and answers[0] != answers[1]:
                    return Evidence(
                        title="A declared example that only one of the two accepts",
                        columns=("example", "as declared", "as it is"),
                        rows=((tell_row(row), _word(answers[0]), _word(answers[1])),),
                    )
    return None


def _evaluate(
    trial: Trial, part: Constraint, row: Mapping[str, Any], definitions: tuple[str, str]
) -> tuple[bool, bool] | None:
    """Whether each CHECK definition accepts the row: a CHECK accepts what is not false."""
    columns = [column for column in trial.after.columns if column.table == part.table]
    values: list[Any] = []
    selected: list[sql.Composable] = []
    for column in columns:
        name = last_part(column.name, column.table)
        selected.append(sql.SQL("CAST(%s AS {}) AS {}").format(sql.SQL(column.type), sql.SQL(name)))
        values.append(as_text(row.get(name.strip('"'))))
    query = sql.SQL("SELECT ({}) IS NOT FALSE, ({}) IS NOT FALSE FROM (SELECT {}) AS example").format(
        *(sql.SQL(_expression(each)) for each in definitions), sql.SQL(", ").join(selected)
    )
    with trial.workbench.rolled_back(trial.after_state) as connection:
        try:
            found = connection.execute(query, values).fetchone()
        except psycopg.Error:
            return None
    return (found[0], found[1]) if found else None


def _expression(definition: str) -> str:
    # A per cent sign is the driver's placeholder, so each is doubled.
    return definition.removeprefix("CHECK").strip().replace("%", "%%")


def as_text(value: Any) -> Any:
    """A contract's value as the text that the server casts: documents and lists become JSON."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def tell_row(row: Mapping[str, Any]) -> str:
    """`email = 'a@b.co', first_name = 'Ann'`."""
    return ", ".join(f"{name} = {value!r}" for name, value in row.items())


def _word(accepted: bool) -> str:
    return "accepts" if accepted else "refuses"
