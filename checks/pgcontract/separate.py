"""Tell two spellings apart: by what they are made of, or by an example that only one of two CHECKs accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql

from pgcontract.canonical import last_part
from pgcontract.compare import Difference
from pgcontract.contract import names
from pgcontract.finding import Evidence
from pgcontract.model import Constraint
from pgcontract.sampling import as_text, tell_row
from pgcontract.trial import Trial

# One constant, as the server prints it: its type's own output, so that two texts are two values.
_CONSTANT = re.compile(r"(?:'(?:[^']|'')*'|-?[0-9.]+|\([0-9.-]+\)|true|false)(?:::[\w .\"(),\[\]]+)?")
_STRUCTURAL = ("primary key", "unique", "foreign key")


def certainly_different(difference: Difference) -> bool:
    """Whether two texts that the server spelled, and that differ, cannot mean the same.

    So it is where nothing in them is evaluated: keys and partitions of plain columns, arguments without defaults,
    constants, keys and foreign keys.
    """
    texts = (difference.expected, difference.actual)
    match difference.kind, difference.field:
        case "constraint", "definition":
            return getattr(difference.part, "form", "") in _STRUCTURAL
        case "index", "keys":
            backs = getattr(difference.part, "constraint", None) or ""
            return not any("(" in text for text in texts) and not backs.startswith("exclude ")
        case "table", "partition_key":
            return not any("(" in text.partition("(")[2] for text in texts)
        case "table", "partition_bound":
            return True
        case "function", "arguments":
            return not any(" DEFAULT " in text for text in texts)
        case "column" | "type", "default":
            return all(_CONSTANT.fullmatch(text) for text in texts)
        case _:
            return False


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
    columns = [
        (last_part(column.name, column.table), column.type)
        for column in trial.after.columns
        if column.table == part.table
    ] or [("VALUE", each.attributes[0]) for each in trial.after.types if each.name == part.table]
    selected = [sql.SQL("CAST(%s AS {}) AS {}").format(sql.SQL(type_), sql.SQL(name)) for name, type_ in columns]
    values = [as_text(row.get(names.bare(name))) for name, _ in columns]
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


def _word(accepted: bool) -> str:
    return "accepts" if accepted else "refuses"
