"""A server that starts with something on it: made once, kept in the cache, and made anew where that is no good."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.postgres.providers import PreparedState, Server, provider_for
from pgcontract.postgres.providers.local.account import server_account
from pgcontract.postgres.providers.local.cache_usage import read_cache_usage


@pytest.fixture
def cache(room: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache, as no run has used it yet; the server's user may enter it, so there is no second one for programs."""
    folder = room / "cache"
    folder.mkdir()
    folder.chmod(0o755)
    monkeypatch.setenv("PGCONTRACT_CACHE", str(folder))
    return folder


def make_rows(server: Server) -> None:
    with psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT * FROM generate_series(1, 100000)")
        connection.execute("VACUUM numbers")


def start(key: str = "numbers", *, needed_bytes: int = 10_000_000) -> tuple[str, str, int, bool]:
    """Where a prepared server came from, its wal_level, the rows on it, and whether its visibility map is there."""
    what = PreparedState(key=key, make=make_rows, needed_bytes=lambda: needed_bytes)
    with provider_for("auto").start() as server:
        assert server.start_prepared
        with (
            server.start_prepared(what, {"wal_level": "replica"}) as own,
            psycopg.connect(own.conninfo(dbname="postgres"), autocommit=True) as connection,
        ):
            row = connection.execute("SELECT count(*), pg_relation_size('numbers', 'vm') > 0 FROM numbers").fetchone()
            (level,) = connection.execute("SHOW wal_level").fetchone() or ("",)
            return (own.started_from, level, *(row or (0, False)))


def states(cache: Path) -> list[Path]:
    return sorted((*cache.glob("*.state"), *cache.glob(".draft-*")))


def test_what_was_made_once_comes_out_of_the_cache_unless_it_is_damaged(cache: Path) -> None:
    actual = [start(), start()]
    (state,) = states(cache)
    actual.append(start("another key"))
    whole = state.read_bytes()
    state.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    actual += [start(), start()]

    made, kept = ("initdb", "replica", 100_000, True), ("cache", "replica", 100_000, True)
    assert [made, kept, made, made, kept] == actual

    # What a killed run left goes with the next run.
    state.rename(state.with_name(f".draft-{state.name}"))
    assert made == start()
    assert [] == [*cache.glob(".draft-*")]


def test_what_could_not_be_made_is_not_kept(cache: Path) -> None:
    def fail(server: Server) -> None:
        make_rows(server)
        raise InputError("the rows are wrong")

    with provider_for("auto").start() as server:
        assert server.start_prepared
        prepared = server.start_prepared(PreparedState(key="wrong", make=fail, needed_bytes=lambda: 0), {})
        with pytest.raises(InputError):
            prepared.__enter__()

    assert [] == states(cache)


def test_states_that_were_not_used_for_longest_make_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start("one")
    [usage] = read_cache_usage(server_account())
    monkeypatch.setenv("PGCONTRACT_CACHE_MAX", str(usage.size_bytes + 1000))
    start("two")

    actual = [len(states(cache)), start("two")[0], start("one")[0]]

    assert [1, "cache", "initdb"] == actual


def test_nothing_is_kept_where_the_bound_is_smaller_than_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE_MAX", "1kB")
    assert len(read_cache_usage(server_account())) == 1
    actual = [start("one")[0], start("one")[0], states(cache)]

    assert ["initdb", "initdb", []] == actual


def test_a_bound_that_is_no_size_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONTRACT_CACHE_MAX", "much")
    with pytest.raises(InputError, match="PGCONTRACT_CACHE_MAX=much is no size; write one as 500MB or 2GB"):
        start("one")


def test_too_little_room_is_told_before_anything_is_made(cache: Path) -> None:
    with pytest.raises(ServerUnavailable) as caught:
        start("large", needed_bytes=10**15)

    message = re.sub(r"\S+ has [\d.]+ GB(, )?", "", str(caught.value))
    expected = (
        "the rows need 1000000.5 GB and  free; set PGCONTRACT_TMP to a folder with more, or ask for fewer rows (--rows)"
    )
    assert (expected, []) == (message, states(cache))
