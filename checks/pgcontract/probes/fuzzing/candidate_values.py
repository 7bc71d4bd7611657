"""The values that are tried on a column, by kind and in order, each once: generated once, tried in every state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgcontract.contract import DeclaredLanguage
from pgcontract.probes.context import Trial
from pgcontract.probes.fuzzing.column_limits import beside
from pgcontract.probes.fuzzing.hypothesis_draws import draw
from pgcontract.probes.fuzzing.insert_batches import sendable
from pgcontract.probes.fuzzing.target_column import Place

EXAMPLE = "declared examples"
BESIDE = "steps from the constraint"
KNOWN = "known cases"


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Distinct sendable values by kind, each under the first kind that has it."""

    values: Mapping[str, tuple[str, ...]]
    unsendable: int = 0


def attempts(trial: Trial, declared: DeclaredLanguage, place: Place, more: Mapping[str, Iterable[str]]) -> Attempts:
    """What is tried in the trial's state: drawn values are the same in every state, those next to a constraint are
    of this state's constraints and of those of the state right after the promise's own migration."""
    name = declared.name
    language = declared.meaning
    drawn = trial.once(
        f"values/{name}/drawn",
        lambda asked: draw(language, seed=f"{asked.promise.seed}/{name}", budget=asked.promise.max_examples),
    )
    here = beside(place, declared.accept)
    first = trial.once(f"values/{name}/beside", lambda _: here)
    kinds: dict[str, Iterable[str]] = {
        EXAMPLE: (*declared.accept, *declared.refuse),
        BESIDE: (*here, *first),
        KNOWN: tuple(known.value for known in language.corpus()),
        **more,
        **drawn,
    }
    seen: set[str] = set()
    distinct: dict[str, tuple[str, ...]] = {}
    for kind, values in kinds.items():
        distinct[kind] = tuple(value for value in dict.fromkeys(values) if value not in seen)
        seen.update(distinct[kind])
    sent = {kind: tuple(filter(sendable, values)) for kind, values in distinct.items()}
    return Attempts(values=sent, unsendable=len(seen) - sum(map(len, sent.values())))
