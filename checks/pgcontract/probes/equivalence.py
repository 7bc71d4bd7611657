"""Tell two spellings apart: by what they are made of, or by a row that they answer differently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pgcontract.contract import Examples
from pgcontract.contract.column_formats import as_sent
from pgcontract.model.comparison import Difference
from pgcontract.model.schema import Column, Constraint, Index
from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.expression_difference import Contrast, Row, contrast
from pgcontract.probes.sample_rows import tell_row
from pgcontract.result.finding import Evidence

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


@dataclass(frozen=True, kw_only=True)
class Separation:
    """`evidence` shows a row that the two texts answer differently; None where none of the `tried` rows does."""

    evidence: Evidence | None = None
    tried: int = 0


def separate(trial: Trial, difference: Difference) -> Separation:
    """Both texts of a CHECK, a default or an index's predicate over the same rows: declared examples, values at every
    limit of either text, and telling values of the columns' types."""
    part = difference.part
    texts = (difference.expected, difference.actual)
    if isinstance(part, Constraint) and part.form == "check":
        examples = [row for each in _examples(trial) if each.constraint == part.name for row in _rows(each)]
        expressions = (_expression(texts[0]), _expression(texts[1]))
        found = contrast(trial, part.table, expressions, examples, wrapped="(({}) IS NOT FALSE)::text")
        return _separation(found, {"true": "accepts", "false": "refuses"})
    if isinstance(part, Index) and difference.field == "predicate":
        found = contrast(trial, part.table, texts, (), wrapped="(({}) IS TRUE)::text")
        return _separation(found, {"true": "takes it in", "false": "leaves it out"})
    if isinstance(part, Column) and difference.field == "default" and part.generated:
        return _separation(contrast(trial, part.table, texts, ()), {})
    if isinstance(part, Column) and difference.field == "default" and not any("nextval(" in text for text in texts):
        return _defaults(trial, part, texts)
    return Separation()


def _examples(trial: Trial) -> tuple[Examples, ...]:
    return trial.promise.contract.examples if trial.promise.contract else ()


def _rows(examples: Examples) -> Iterator[Row]:
    for row in (*examples.accept, *examples.refuse):
        yield {name: None if value is None else as_sent(value) for name, value in row.items()}


def _expression(definition: str) -> str:
    return definition.removeprefix("CHECK").strip()


def _separation(found: Contrast, words: Mapping[str, str]) -> Separation:
    if found.row is None:
        return Separation(tried=found.tried)
    told = [words.get(answer or "", answer if answer is not None else "NULL") for answer in found.answers]
    evidence = Evidence(
        title="A row that the two answer differently",
        columns=("row", "as declared", "as it is"),
        rows=((tell_row(found.row), *told),),
    )
    return Separation(evidence=evidence, tried=found.tried)


def _defaults(trial: Trial, column: Column, texts: tuple[str, str]) -> Separation:
    """Each default evaluated twice: of two that change from time to time nothing can be said."""
    query = sql.SQL("SELECT ({0})::{2}::text, ({1})::{2}::text, pg_sleep(0.001), ({0})::{2}::text, ({1})::{2}::text")
    with trial.workbench.rolled_back(trial.after_state) as connection:
        try:
            found = connection.execute(query.format(*map(sql.SQL, texts), sql.SQL(column.type))).fetchone()
        except psycopg.Error:
            return Separation()
    assert found is not None
    before, after = found[:2], found[3:]
    varies = tuple(one != other for one, other in zip(before, after, strict=True))
    if all(varies) or (not any(varies) and before[0] == before[1]):
        return Separation(tried=1)
    if any(varies):
        told = tuple("another value each time" if moves else "the same value each time" for moves in varies)
    else:
        told = tuple("NULL" if value is None else value for value in before)
    evidence = Evidence(title="What the two give", columns=("as declared", "as it is"), rows=(told,))
    return Separation(evidence=evidence, tried=1)
