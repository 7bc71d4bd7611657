"""Values drawn from a format by Hypothesis: the same for the same seed, each once, in the order they were drawn."""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pgcontract.postgres.providers.local.directories import cache_directory

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pgcontract.formats import Format

# Of ten examples: near misses say most about a constraint, valid values what it wrongly refuses.
# The middle word is a part of the seed: another one would draw other values.
_SHARES: Final = (("near misses", "near miss", 5), ("valid values", "meant", 3), ("hostile texts", "hostile", 2))


def draw_values(column_format: Format[str], *, seed: str, budget: int) -> Mapping[str, tuple[str, ...]]:
    """About `budget` values by kind, no value twice; importing Hypothesis is put off until here."""
    makers = {"near miss": column_format.near_misses, "meant": column_format.valid, "hostile": column_format.hostile}
    seen: set[str] = set()
    drawn: dict[str, tuple[str, ...]] = {}
    for kind, seed_word, share in _SHARES:
        with _storage_in_cache():
            strategy = makers[seed_word]()
        values = draw_examples(strategy, seed=f"{seed}/{seed_word}", examples=budget * share // 10)
        drawn[kind] = tuple(value for value in values if value not in seen)
        seen.update(drawn[kind])
    return drawn


def draw_examples(strategy: SearchStrategy[Any], *, seed: str, examples: int) -> tuple[Any, ...]:
    """The distinct values that Hypothesis makes of so many examples, in its order; the same for the same seed."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    values: dict[Any, None] = {}

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
        values.setdefault(value)

    with warnings.catch_warnings(), _storage_in_cache(), _without_local_constants():
        warnings.simplefilter("ignore")  # a strategy that is exhausted early shows in the count, not on stderr
        take()
    return tuple(values)


@contextmanager
def _storage_in_cache() -> Iterator[None]:
    """Hypothesis keeps what it knows of Unicode in our cache: it would in `.hypothesis` where the command runs.

    A host such as pytest keeps its own folder for its own tests.
    """
    from hypothesis.configuration import set_hypothesis_home_dir, storage_directory

    host_folder = storage_directory(intent_to_write=False).path
    cache = cache_directory()
    # Where there is no cache it is a path that nothing can be made at, which Hypothesis puts up with.
    set_hypothesis_home_dir((cache if cache.is_absolute() else Path(os.devnull)) / "hypothesis")
    try:
        yield
    finally:
        set_hypothesis_home_dir(host_folder)


@contextmanager
def _without_local_constants() -> Iterator[None]:
    """Hypothesis without the constants it finds in the source of whatever modules of the owner's are loaded.

    It mixes those into what it draws (since 6.131), so that the same seed would give other values from a checkout than
    from a wheel, and in pytest than on the command line. There is no setting for it; a test holds that this works.
    """
    from hypothesis.internal.conjecture import providers
    from hypothesis.internal.constants_ast import Constants

    ask = getattr(providers, "_get_local_constants", None)
    cached = getattr(getattr(providers, "CONSTANTS_CACHE", None), "cache", None)
    if ask is None or cached is None:
        yield
        return
    nothing = Constants()
    setattr(providers, "_get_local_constants", lambda: nothing)  # noqa: B010 - private, and so unknown to mypy
    cached.clear()
    try:
        yield
    finally:
        setattr(providers, "_get_local_constants", ask)  # noqa: B010
        cached.clear()
