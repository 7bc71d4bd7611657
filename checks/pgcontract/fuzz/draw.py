"""Values drawn from a language by Hypothesis: the same for the same seed, each once, in the order they were drawn."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pgcontract.intents import Language

# Of ten examples: what is nearly right tells most about a constraint, what is right what it refuses.
_SHARES: Final = (("near miss", 5), ("meant", 3), ("hostile", 2))


def draw(language: Language[str], *, seed: str, budget: int) -> Mapping[str, tuple[str, ...]]:
    """About `budget` values by kind, no value twice; importing Hypothesis is put off until here."""
    makers = {"near miss": language.near_misses, "meant": language.valid, "hostile": language.hostile}
    seen: set[str] = set()
    drawn: dict[str, tuple[str, ...]] = {}
    for kind, share in _SHARES:
        values = collect(makers[kind](), seed=f"{seed}/{kind}", examples=budget * share // 10)
        drawn[kind] = tuple(value for value in values if value not in seen)
        seen.update(drawn[kind])
    return drawn


def collect(strategy: SearchStrategy[Any], *, seed: str, examples: int) -> tuple[Any, ...]:
    """The distinct values that Hypothesis makes of so many examples, in its order; the same for the same seed."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    found: dict[Any, None] = {}

    @seeded(zlib.crc32(seed.encode()))
    @settings(
        max_examples=max(examples, 1),
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def take(value: Any) -> None:
        found.setdefault(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a thin strategy that runs dry early is told by the count, not on stderr
        take()
    return tuple(found)
