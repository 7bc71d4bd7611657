"""The values that are tried on a column, by kind and in order, each once: drawn once, tried in every state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgcontract.contract import ColumnFormat
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.column_limits import limit_values
from pgcontract.probes.fuzzing.hypothesis_draws import draw_values
from pgcontract.probes.fuzzing.insert_batches import sendable
from pgcontract.probes.fuzzing.target_column import TargetColumn

DECLARED_EXAMPLES = "declared examples"
NEAR_CONSTRAINT = "steps from the constraint"
KNOWN_CASES = "known cases"


@dataclass(frozen=True, kw_only=True)
class CandidateValues:
    """Distinct sendable values by kind, each under the first kind that has it."""

    values: Mapping[str, tuple[str, ...]]
    unsendable: int = 0


def collect_candidates(
    context: Context, declared: ColumnFormat, target: TargetColumn, extra_kinds: Mapping[str, Iterable[str]]
) -> CandidateValues:
    """What is tried in the context's state: drawn values are the same in every state, those next to a constraint are
    of this state's constraints and of those of the state right after the promise's own migration."""
    name = declared.name
    column_format = declared.meaning
    drawn = context.cached(
        f"values/{name}/drawn",
        lambda at_trial: draw_values(
            column_format, seed=f"{at_trial.promise.seed}/{name}", budget=at_trial.promise.max_examples
        ),
    )
    examples = limit_values(target, declared.accept)
    first = context.cached(f"values/{name}/beside", lambda _: examples)
    kinds: dict[str, Iterable[str]] = {
        DECLARED_EXAMPLES: (*declared.accept, *declared.reject),
        NEAR_CONSTRAINT: (*examples, *first),
        KNOWN_CASES: tuple(known.value for known in column_format.corpus()),
        **extra_kinds,
        **drawn,
    }
    seen: set[str] = set()
    distinct: dict[str, tuple[str, ...]] = {}
    for kind, values in kinds.items():
        distinct[kind] = tuple(value for value in dict.fromkeys(values) if value not in seen)
        seen.update(distinct[kind])
    sent = {kind: tuple(filter(sendable, values)) for kind, values in distinct.items()}
    return CandidateValues(values=sent, unsendable=len(seen) - sum(map(len, sent.values())))
