"""Whether two spellings are equivalent: decided by their syntax, or by a row for which they give different results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from pgcontract.contract import Examples
from pgcontract.contract.sections.column_formats import client_text
from pgcontract.model.comparison import Difference
from pgcontract.model.schema import Column, Constraint, Index
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.expression_difference import CandidateRow, ExpressionComparison, compare_expressions
from pgcontract.probes.sample_rows import describe_row
from pgcontract.result import Evidence
from pgcontract.values import dataclass

# One constant, as the server prints it: its type's own output, so that two texts are two values.
_CONSTANT = re.compile(r"(?:'(?:[^']|'')*'|-?[0-9.]+|\([0-9.-]+\)|true|false)(?:::[\w .\"(),\[\]]+)?")
_KEY_FORMS = ("primary key", "unique", "foreign key")


def is_certainly_different(difference: Difference) -> bool:
    """Whether two texts that the server spelled, and that differ, cannot mean the same.

    So it is where nothing in them is evaluated: keys and partitions of plain columns, arguments without defaults,
    constants, keys and foreign keys.
    """
    texts = (difference.expected, difference.actual)
    match difference.kind, difference.field:
        case "constraint", "definition":
            return getattr(difference.part, "form", "") in _KEY_FORMS
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
class EquivalenceResult:
    """`evidence` shows a row for which the two texts give different results; None where none of the `tried` rows does."""

    evidence: Evidence | None = None
    tried: int = 0


def tell_apart(context: Context, difference: Difference) -> EquivalenceResult:
    """Both texts of a CHECK, a default or an index's predicate over the same rows: declared examples, values at every
    limit of either text, and boundary values of the columns' types."""
    part = difference.part
    texts = (difference.expected, difference.actual)
    if isinstance(part, Constraint) and part.form == "check":
        examples = [
            row for example in _examples(context) if example.constraint == part.name for row in _example_rows(example)
        ]
        expressions = (_check_expression(texts[0]), _check_expression(texts[1]))
        contrasted = compare_expressions(
            context, part.table, expressions, examples, answer_template="(({}) IS NOT FALSE)::text"
        )
        return _equivalence_result(contrasted, {"true": "accepts", "false": "refuses"})
    if isinstance(part, Index) and difference.field == "predicate":
        contrasted = compare_expressions(context, part.table, texts, (), answer_template="(({}) IS TRUE)::text")
        return _equivalence_result(contrasted, {"true": "takes it in", "false": "leaves it out"})
    if isinstance(part, Column) and difference.field == "default" and part.generated:
        return _equivalence_result(compare_expressions(context, part.table, texts, ()), {})
    if isinstance(part, Column) and difference.field == "default" and not any("nextval(" in text for text in texts):
        return _compare_defaults(context, part, texts)
    return EquivalenceResult()


def _examples(context: Context) -> tuple[Examples, ...]:
    return context.promise.contract.examples if context.promise.contract else ()


def _example_rows(examples: Examples) -> Iterator[CandidateRow]:
    for row in (*examples.accept, *examples.reject):
        yield {name: None if value is None else client_text(value) for name, value in row.items()}


def _check_expression(definition: str) -> str:
    return definition.removeprefix("CHECK").strip()


def _equivalence_result(contrasted: ExpressionComparison, answer_labels: Mapping[str, str]) -> EquivalenceResult:
    if contrasted.row is None:
        return EquivalenceResult(tried=contrasted.tried)
    differences = [
        answer_labels.get(answer or "", answer if answer is not None else "NULL") for answer in contrasted.answers
    ]
    evidence = Evidence(
        title="A row that the two answer differently",
        columns=("row", "as declared", "as it is"),
        rows=((describe_row(contrasted.row), *differences),),
    )
    return EquivalenceResult(evidence=evidence, tried=contrasted.tried)


def _compare_defaults(context: Context, column: Column, texts: tuple[str, str]) -> EquivalenceResult:
    """Each default evaluated twice: two that both change between evaluations cannot be compared."""
    query = sql.SQL("SELECT ({0})::{2}::text, ({1})::{2}::text, pg_sleep(0.001), ({0})::{2}::text, ({1})::{2}::text")
    with context.sandbox.rolled_back(context.after_state) as connection:
        try:
            row = connection.execute(query.format(*map(sql.SQL, texts), sql.SQL(column.type))).fetchone()
        except psycopg.Error:
            return EquivalenceResult()
    assert row is not None
    before, after = row[:2], row[3:]
    varies = tuple(one != other for one, other in zip(before, after, strict=True))
    if all(varies) or (not any(varies) and before[0] == before[1]):
        return EquivalenceResult(tried=1)
    if any(varies):
        texts_shown = tuple("another value each time" if moves else "the same value each time" for moves in varies)
    else:
        texts_shown = tuple("NULL" if value is None else value for value in before)
    evidence = Evidence(title="What the two give", columns=("as declared", "as it is"), rows=(texts_shown,))
    return EquivalenceResult(evidence=evidence, tried=1)
