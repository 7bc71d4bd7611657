"""A chain that is kept from an earlier run: nothing is said that a fresh one would not say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from generated_chain import generate_chain, write_chain
from pgcontract.contract import FolderOptions, load_project
from pgcontract.postgres.platform import platform_of
from pgcontract.result import Finding, Run, RunOptions
from pgcontract.runner import kept_chain, plan, verify
from seeded_cache import seeded_cache
from test_since import begin_repository, commit, git
from written_files import write_files

NEW = "CREATE TABLE extra (id int PRIMARY KEY);\nALTER TABLE orders_1 ADD COLUMN extra int NOT NULL;\n"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    write_chain(generate_chain(10, seed=3, failures=0), root / "m")
    begin_repository(root)
    return write_files(root, {"m/0099_new.sql": NEW})


@pytest.fixture
def root(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "repository"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = seeded_cache(tmp_path / "cache")
    monkeypatch.setenv("PGCONTRACT_CACHE", str(folder))
    return folder


def said(run: Run) -> tuple[Any, ...]:
    findings: tuple[Finding, ...] = run.findings
    return run.verdict, findings, run.live


def judged(root: Path, *only: str, **options: Any) -> Run:
    folder = FolderOptions(**{"since": "main", **options})
    return verify(load_project(root / "m", options=folder), RunOptions(only=only))


def states(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.state"))


def test_kept_chain_says_what_a_fresh_one_says(root: Path, cache: Path) -> None:
    plain = judged(root, since=None, applied="0010")
    cold = judged(root)
    (state,) = states(cache)
    written = state.read_bytes()
    warm = judged(root)
    assert state.read_bytes() == written
    state.write_bytes(written[: len(written) // 2] + b"x" + written[len(written) // 2 + 1 :])  # damaged
    again = judged(root)

    since = {"gate.not_loosened", "migration.in_order", "migration.unchanged"}
    expected = tuple(finding for finding in cold.findings if finding.check not in since)
    assert (plain.verdict, plain.findings, plain.live) == (cold.verdict, expected, cold.live)
    assert (said(cold), said(cold)) == (said(warm), said(again))
    assert ("rows.accepted", "broken") in {(finding.check, finding.status.value) for finding in warm.findings}


def test_chain_is_kept_past_contracts_whose_answers_all_are(root: Path, cache: Path) -> None:
    bare = judged(root, "rows.*")
    for number in (1, 2):
        (path,) = (root / "m").glob(f"000{number}*.sql")
        declared = f'[table."public.{path.stem[5:]}"]\nprimary_key = ["id"]\n'
        declared += 'columns.id = { type = "bigint" }\ncolumns.note = { type = "text", default = "\'x\'::text" }\n'
        head = f'migration = "{path.name}"\ncomments = "optional"\npromises = "declared"\n'
        write_files(root, {f"m/{path.stem}.contract.toml": f"{head}\n{declared}"})
    git(root, "add", "m/*.toml")
    git(root, "commit", "-q", "-m", "contracts")
    before = len(states(cache))
    cold, made, warm = (judged(root, "column.*", "rows.*", "script.*") for _ in range(3))

    assert (said(cold), said(cold)) == (said(made), said(warm))
    assert (before, before + 1) == (1, len(states(cache)))
    assert {"0001", "0002"} == {answer.migration[:4] for answer in warm.kept if answer.check == "script.applies"}
    of_rows = [[one for one in run.findings if one.check.startswith("rows.")] for run in (bare, warm)]
    assert of_rows[0] == of_rows[1]  # what has rows in it does not go by contracts


def key_of(root: Path, **options: Any) -> str:
    run = {name: options.pop(name) for name in ("seed", "timeout_ms") if name in options}
    project = load_project(root / "m", options=FolderOptions(**{"since": "main", **options}))
    planned = plan(project, RunOptions(**run))
    number = kept_chain.applied_length(planned)
    return kept_chain.chain_key(planned, project.chain[:number], platform_of(project.platform))


def edit(root: Path) -> None:
    path = sorted((root / "m").glob("0003*"))[0]
    path.write_text(f"-- a word\n{path.read_text()}")


def rename(root: Path) -> None:
    path = sorted((root / "m").glob("0003*"))[0]
    path.rename(path.with_name("0003_x.sql"))


def remove(root: Path) -> None:
    sorted((root / "m").glob("0010*"))[0].unlink()


def declare(root: Path) -> None:
    path = sorted((root / "m").glob("0005*"))[0]
    write_files(root, {f"m/{path.stem}.contract.toml": f'migration = "{path.name}"\n'})


def configure(root: Path) -> None:
    write_files(root, {"m/pgcontract.toml": '[runner]\ntransaction = "file"\n'})


CHANGES: dict[str, tuple[Callable[[Path], None] | None, dict[str, Any]]] = {
    "another folder": (None, {}),
    "an earlier script": (edit, {}),
    "its name": (rename, {}),
    "one that is gone": (remove, {}),
    "a contract of an earlier one": (declare, {}),
    "how the tool runs them": (configure, {}),
    "the seed": (None, {"seed": 7}),
    "the time-out": (None, {"timeout_ms": 5}),
    "the platform": (None, {"platform": "supabase"}),
}


def test_what_the_chain_depends_on_makes_another_key(first: Path, tmp_path: Path) -> None:
    before, same = key_of(first), []
    for name, (change, options) in CHANGES.items():
        root = Path(shutil.copytree(first, tmp_path / name))
        if change is not None:
            change(root)
        if before == key_of(root, **options):
            same.append(name)

    assert ["another folder"] == same


def test_included_file_code_and_day_make_another_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(root, {"m/0002_i.sql": "\\ir parts/i.sql\n", "m/parts/i.sql": "SELECT 1;\n"})
    commit(root)
    (root / "m/0100_more.sql").write_text("SELECT 3;\n")
    keys = [key_of(root)]
    (root / "m/0100_more.sql").write_text("SELECT 4;\n")
    assert keys == [key_of(root)]  # what comes behind does not matter
    write_files(root, {"m/parts/i.sql": "SELECT 2;\n"})
    git(root, "commit", "-qam", "edited")
    keys.append(key_of(root))
    monkeypatch.setattr(kept_chain, "code_digest", lambda: "other code")
    keys.append(key_of(root))
    monkeypatch.setattr(kept_chain, "today", lambda: "2000-01-01")
    keys.append(key_of(root))

    assert 4 == len(set(keys))


def test_version_of_every_library_that_answers_rest_on_is_in_the_key() -> None:
    package = Path(kept_chain.__file__).parents[1]
    folders = ("catalog", "formats", "model", "performance", "postgres", "probes", "rules")
    texts = "".join(path.read_text() for folder in folders for path in (package / folder).rglob("*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", texts, re.MULTILINE))
    libraries = {re.split(r"\W", line)[0] for line in requires("pgcontract") or () if "extra ==" not in line}

    assert imported & libraries <= set(kept_chain._LIBRARIES)


@pytest.mark.parametrize("sql", ["CREATE ROLE kept_role;\n", "SELECT 1/0;\n"], ids=["makes a role", "fails"])
def test_chain_that_makes_roles_or_fails_is_not_kept(sql: str, root: Path, cache: Path) -> None:
    write_files(root, {"m/0010_z.sql": sql})
    git(root, "add", "m/0010_z.sql")
    git(root, "commit", "-q", "-m", "sql")
    asked = ("lock.*", "rows.*", "script.*")
    run = judged(root, *asked)

    assert [] == states(cache)
    plain = judged(root, *asked, since=None, applied="0010_z")
    assert run.live == plain.live
    assert {finding.item for finding in plain.findings if finding.blocks} <= {
        finding.item for finding in run.findings if finding.blocks
    }


def test_too_many_tables_are_filled_by_the_words_of_what_is_judged(tmp_path: Path) -> None:
    root = tmp_path
    write_files(root, {f"m/{number:04}_t.sql": f"CREATE TABLE t_{number} (id int);\n" for number in range(1, 60)})
    begin_repository(root)
    keys = []
    for table in (3, 4, 4):
        write_files(root, {"m/0099_new.sql": f"ALTER TABLE t_{table} ADD COLUMN c{len(keys)} int;\n"})
        keys.append(key_of(root))

    assert keys[0] != keys[1] == keys[2]
