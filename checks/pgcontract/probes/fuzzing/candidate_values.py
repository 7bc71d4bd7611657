"""The values that are tried on a column, by kind and in order, each once: drawn once, tried in every state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.cached_facts import cached_promise_fact
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.column_limits import limit_values
from pgcontract.probes.fuzzing.hypothesis_draws import draw_values
from pgcontract.probes.fuzzing.insert_batches import sendable
from pgcontract.probes.fuzzing.target_column import TargetColumn, find_format_target
from pgcontract.values import dataclass

DECLARED_EXAMPLES = "declared examples"
NEAR_CONSTRAINT = "values at the edges of the constraint"
KNOWN_CASES = "known edge cases"


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
    kinds: dict[str, Iterable[str]] = {
        DECLARED_EXAMPLES: (*declared.accept, *declared.reject),
        NEAR_CONSTRAINT: (*limit_values(target, declared.accept), *_values_near_first_constraints(context, declared)),
        KNOWN_CASES: tuple(known.value for known in declared.meaning.corpus()),
        **extra_kinds,
        **_drawn_values(context, declared),
    }
    seen: set[str] = set()
    distinct: dict[str, tuple[str, ...]] = {}
    for kind, values in kinds.items():
        distinct[kind] = tuple(value for value in dict.fromkeys(values) if value not in seen)
        seen.update(distinct[kind])
    sent = {kind: tuple(filter(sendable, values)) for kind, values in distinct.items()}
    return CandidateValues(values=sent, unsendable=len(seen) - sum(map(len, sent.values())))


@cached_promise_fact
def _drawn_values(context: Context, declared: ColumnFormat) -> Mapping[str, tuple[str, ...]]:
    promise = context.promise
    return draw_values(declared.meaning, seed=f"{promise.seed}/{declared.name}", budget=promise.examples)


@cached_promise_fact
def _values_near_first_constraints(context: Context, declared: ColumnFormat) -> tuple[str, ...]:
    """Those of the state right after the promise's own migration; none where its column could not be asked there."""
    try:
        return limit_values(find_format_target(context, declared), declared.accept)
    except CouldNotAsk:
        return ()
