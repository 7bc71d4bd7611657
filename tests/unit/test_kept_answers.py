"""Answers of an earlier run: taken where nothing is otherwise, told, and never in the place of what is broken now."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pgcontract.contract import FolderOptions, load_project
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.progress import ProgressEvent
from pgcontract.postgres.providers import Server
from pgcontract.postgres.providers.local import answer_files
from pgcontract.result import Run, RunOptions
from pgcontract.runner import kept_answers, plan, verify
from seeded_cache import seeded_cache
from test_since import begin_repository
from written_files import write_files

CONTRACT = """\
migration = "001_orders.sql"
comments = "optional"

[table."public.orders"]
columns.id = {{ type = "integer" }}
columns.email = {{ type = "text" }}

[format.email]
column = "public.orders.email"
standard = "{standard}"
"""
ORDERS = "CREATE TABLE public.orders (id integer, email text CHECK (email <> ''));\n"
FILES = {
    "migrations/001_orders.sql": ORDERS,
    "migrations/002_more.sql": "CREATE TABLE public.more (id int PRIMARY KEY);\n",
    "contracts/001_orders/contract.toml": CONTRACT.format(standard="not_blank"),
    "pgcontract.toml": "seed = 1\n",
}
SOME = ("column.*", "format.accepts_valid", "rows.*", "script.*")
NEW = {"migrations/003_new.sql": "CREATE TABLE public.new (id int PRIMARY KEY);\n"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_files(tmp_path_factory.mktemp("first"), FILES)
    begin_repository(root)
    return write_files(root, NEW)


@pytest.fixture
def root(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "schema"))


def judged(root: Path, **options: Any) -> Run:
    return verify(load_project(root, options=FolderOptions(since="main")), RunOptions(examples=5, **options))


def said(run: Run) -> tuple[Any, ...]:
    return run.verdict, run.findings, run.claims


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = seeded_cache(tmp_path / "cache")
    monkeypatch.setenv("PGCONTRACT_CACHE", str(folder))
    return folder


def test_what_is_kept_says_the_same_is_told_and_covers_nothing_that_is_broken_since(cache: Path, root: Path) -> None:
    cold, warm = judged(root), judged(root)
    (file,) = cache.glob("*.answers")

    assert (said(cold), ()) == (said(warm), cold.kept)
    assert {"001_orders"} == {answer.migration for answer in warm.kept}
    assert any(sentence.startswith("Kept from an earlier run: ") for sentence in warm.assumptions)
    assert 0o600 == file.stat().st_mode & 0o777

    # The promise of the first is broken by a later script: kept is what was so at its place, and the head is asked.
    write_files(root, {"migrations/003_new.sql": "ALTER TABLE public.orders DROP COLUMN email;\n"})
    broken = judged(root, only=SOME)
    for other in cache.glob("*.*"):
        other.unlink()
    assert said(judged(root, only=SOME)) == said(broken)
    assert "broken" in {finding.status.value for finding in broken.findings}


def test_run_that_is_broken_off_keeps_what_was_answered(cache: Path, root: Path) -> None:
    project = load_project(root, options=FolderOptions(since="main"))
    asked = RunOptions(examples=5, only=SOME)
    last = max(number for number, item in enumerate(plan(project, asked).items, 1) if item.migration == "001_orders")

    def stop(event: ProgressEvent) -> None:
        if event.kind == "item" and event.done == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(project, asked, notify=stop)
    (file,) = cache.glob("*.answers")
    written = file.read_bytes()

    run = judged(root, only=SOME)
    assert ({"001_orders"}, written) == ({answer.migration for answer in run.kept}, file.read_bytes())


def test_file_of_answers_that_is_damaged_another_s_or_not_ours_alone_is_not_read(cache: Path) -> None:
    answer_files.write("a" * 64, b"[]")
    (file,) = cache.glob("*.answers")
    whole = file.read_bytes()
    told = [answer_files.read("a" * 64), answer_files.read(f"{'a' * 63}b")]
    file.write_bytes(whole.replace(b"[]", b"{}"))
    told.append(answer_files.read("a" * 64))
    file.write_bytes(whole[:-1])
    told.append(answer_files.read("a" * 64))
    file.write_bytes(whole)
    file.chmod(0o622)
    told.append(answer_files.read("a" * 64))

    assert [b"[]", None, None, None, None] == told


def test_what_a_killed_run_left_of_answers_makes_room_once_nobody_can_be_writing_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, running = (cache / f".draft-{'a' * 20}-{name}" for name in ("killed", "running"))
    for draft in (killed, running):
        draft.write_bytes(b"x" * 1000)
    os.utime(killed, (0, 0))
    monkeypatch.setenv("PGCONTRACT_CACHE_MAX", "1")
    answer_files.keep_bound()

    assert [running] == sorted(cache.glob(".draft-*"))


SERVER = Server(
    provider="wheel",
    version_num=180006,
    version="18.6",
    host="/x",
    port=1,
    superuser="s",
    bin_dir=Path("/bin"),
    capabilities=frozenset(("own_server",)),
    started_from="cache",
    storage="tmpfs",
)


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path stands for the programs that it would lead to."""
    monkeypatch.setattr(kept_answers.answer_files, "programs", str)


def key_of(root: Path, server: Server = SERVER, **options: Any) -> str:
    folder = FolderOptions(**{"since": "main", **{key: options.pop(key) for key in ("setup", "stats") if key in options}})
    planned = plan(load_project(root, options=folder), RunOptions(**options))
    platform = platform_of(planned.project.platform, setup=planned.project.setup)
    return kept_answers.KeptAnswers(planned, server, platform).file_key("001_orders")


CHANGES: dict[str, Callable[[Path], Any]] = {
    "its script": lambda root: write_files(root, {"migrations/001_orders.sql": f"-- more\n{ORDERS}"}),
    "an earlier script": lambda root: write_files(root, {"migrations/000_first.sql": "SELECT 1;\n"}),
    "its way back": lambda root: write_files(root, {"migrations/001_orders.down.sql": "DROP TABLE public.orders;\n"}),
    "its contract": lambda root: write_files(
        root, {"contracts/001_orders/contract.toml": CONTRACT.format(standard="uuid")}
    ),
    "its claims": lambda root: write_files(
        root,
        {"contracts/001_orders/claims.toml": '[[claim]]\nid = "X"\ndescription = "so"\nchecks = ["script.rerun"]\n'},
    ),
    "a later contract": lambda root: write_files(
        root, {"contracts/002_more/contract.toml": 'migration = "002_more.sql"\n'}
    ),
    "the configuration": lambda root: write_files(root, {"pgcontract.toml": "seed = 2\n"}),
    "the seeds": lambda root: write_files(root, {"seed.sql": "INSERT INTO public.more VALUES (1);\n"}),
}


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_an_answer_may_depend_on_makes_another_key(change: Callable[[Path], Any], root: Path) -> None:
    before = key_of(root)
    change(root)

    assert before != key_of(root)


OTHERS: tuple[dict[str, Any], ...] = (
    {"seed": 5},
    {"examples": 5},
    {"rows": 5},
    {"timeout_ms": 5},
    {"linters": ("squawk",)},
    {"server": replace(SERVER, version="18.7")},
    {"server": replace(SERVER, provider="binaries")},
    {"server": replace(SERVER, bin_dir=Path("/usr/bin"))},
    {"server": replace(SERVER, storage="disk")},
)


@pytest.mark.usefixtures("no_programs")
def test_how_it_is_asked_and_of_which_server_makes_another_key(first: Path) -> None:
    keys = {key_of(first), *(key_of(first, **options) for options in OTHERS)}

    assert 1 + len(OTHERS) == len(keys)


def test_extension_that_was_installed_since_is_another_server(tmp_path: Path) -> None:
    extensions = tmp_path / "share/extension"
    write_files(tmp_path, {"bin/postgres": "", "bin/initdb": "", "share/extension/plpgsql.control": ""})
    before = answer_files.programs(tmp_path / "bin")
    (extensions / "pgcrypto.control").touch()

    assert before != answer_files.programs(tmp_path / "bin")


@pytest.mark.usefixtures("no_programs")
def test_code_day_and_setup_make_another_key_and_what_comes_behind_does_not(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [key_of(root)]
    write_files(root, {"migrations/004_later.sql": "CREATE TABLE public.later (id int);\n"})
    assert keys == [key_of(root)]
    keys.append(key_of(root, setup=write_files(tmp_path, {"setup.sql": "SELECT 1;\n"}) / "setup.sql"))
    monkeypatch.setattr(kept_answers, "code_digest", lambda: "other")
    keys.append(key_of(root))
    monkeypatch.setattr(kept_answers, "today", lambda: "2000-01-01")
    keys.append(key_of(root))

    assert 4 == len(set(keys))
