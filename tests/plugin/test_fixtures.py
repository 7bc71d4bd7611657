"""The fixtures: a migrated database for each test of somebody's own, at any point of the chain, as any role."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from child_signals import take_signals
from pgcontract import provider_for

SCRIPTS = {
    "001_note.sql": "CREATE TABLE public.note (id integer PRIMARY KEY, body text);\n",
    "002_shouted.sql": "ALTER TABLE public.note ADD COLUMN shouted text;\n"
    "UPDATE public.note SET shouted = upper(body);\n"
    "DO $$ BEGIN IF EXISTS (SELECT FROM public.note WHERE body = 'no') THEN RAISE 'no is no note'; END IF; END $$;\n",
    "002_shouted.down.sql": "ALTER TABLE public.note DROP COLUMN shouted;\n",
    "003_owner.sql": "ALTER TABLE public.note ADD COLUMN owner uuid DEFAULT auth.uid();\n"
    "ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;\n"
    "REVOKE ALL ON public.note FROM anon, authenticated;\n"
    "GRANT SELECT, INSERT ON public.note TO authenticated;\n"
    "CREATE POLICY own ON public.note TO authenticated USING (owner = auth.uid());\n",
}
WRONG = {
    "a_statement_is_refused": [
        "of * at 003_owner, on PostgreSQL *",
        "as anon: ALTER ROLE * PASSWORD '…'",
        "  → 42501: *",
    ],
    "a_role_is_misspelt": ["*there is no role authentcated;*did you mean `authenticated`?*"],
    "a_migration_is_not_there": ["pgcontract: *no migration is called '004'; *"],
    "a_marker_is_misspelt": ["pgcontract: @pytest.mark.pgcontract takes at and path, by name; *att*"],
    "a_migration_is_applied_already": ["*migrate('002'): it is applied already; the database is at 003_owner*"],
    "there_is_no_way_back": ["*003_owner.sql: there is no way back: *"],
    "rows_stop_a_migration": ["*002_shouted.sql:3: the server refuses it: no is no note (SQLSTATE P0001)*"],
}


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Path:
    """A folder of migrations, and the tests of somebody who writes a shop."""
    folder = pytester.mkdir("db") / "migrations"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    tests = (Path(__file__).parent / "in_use/use_of_databases.py").read_text("utf-8")
    (pytester.path / "test_shop.py").write_text(tests, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("shop")
def test_each_test_has_a_migrated_database_of_its_own(pytester: pytest.Pytester) -> None:
    ran = pytester.runpytest_inprocess("-o", "python_functions=test wrong", "-v")
    printed = ran.stdout.str()
    outcomes = dict(re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", printed))

    assert {name: "PASSED" if name.startswith("test") else "FAILED" for name in outcomes} | {
        "wrong_a_marker_is_misspelt": "ERROR"
    } == outcomes
    for lines in WRONG.values():
        ran.stdout.fnmatch_lines_random(lines)


@pytest.mark.usefixtures("shop")
def test_workers_keywords_and_markers_choose_among_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_other="def test_needs_no_server(): pass")
    spread = pytester.runpytest_subprocess("-n2", "-k", "address or role_sees", "-m", "pgcontract")
    others = pytester.runpytest_inprocess("-m", "not pgcontract", "-o", "pgcontract_path=nowhere")

    spread.assert_outcomes(passed=2)
    others.assert_outcomes(passed=1, deselected=13)


@pytest.mark.parametrize(("options", "words"), [
    (("-o", "pgcontract_path=elsewhere"), "*elsewhere: there is no such file or folder;*"),
    (("--pgcontract-pg", "none"), "*a database needs a server, and --pg none names no server*"),
    (("--pgcontract-pg", "weel"), "*unknown server 'weel'*did you mean 'wheel'?*"),
    (("--pgcontract-timeout", "soon"), "*--pgcontract-timeout*"),
    (
        ("--rootdir", "empty"),
        "*no migrations to make a database of: there is none of schema/migrations, *pgcontract_path*",
    ),
])  # fmt: skip
@pytest.mark.usefixtures("shop")
def test_what_cannot_be_had_is_one_message(pytester: pytest.Pytester, options: tuple[str, ...], words: str) -> None:
    pytester.mkdir("empty")
    ran = pytester.runpytest_inprocess("-k", "address", *options)

    ran.stdout.fnmatch_lines([words])
    ran.stdout.no_fnmatch_line("*Traceback*")
    ran.stdout.no_fnmatch_line("*During handling*")
    ran.assert_outcomes(errors=1)


def test_a_chain_that_fails_is_told_with_its_line(pytester: pytest.Pytester, shop: Path) -> None:
    (shop / "003_owner.sql").write_text("SELECT 1;\nALTER TABLE public.nota ADD a int;\n", encoding="utf-8")
    ran = pytester.runpytest_inprocess("-k", "address")

    ran.stdout.fnmatch_lines(['pgcontract: *003_owner.sql:2: the server refuses it: relation "public.nota" does not*'])
    ran.assert_outcomes(errors=1)


@pytest.mark.usefixtures("shop")
def test_a_server_of_the_owner_s_is_left_as_it_was(pytester: pytest.Pytester) -> None:
    objects = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles ORDER BY 1"
    with provider_for("wheel").start() as server, psycopg.connect(server.conninfo(dbname="postgres")) as owner:
        before = owner.execute(objects).fetchall()
        given = "--pgcontract-pg", f"dsn:{server.conninfo(dbname='postgres')}"
        ran = pytester.runpytest_inprocess("-k", "role_sees or meets_rows or other_scope", *given)

        ran.assert_outcomes(passed=2, failed=1)
        ran.stdout.fnmatch_lines(["*may not act as authenticated*On a server of yours the login that migrates has no*"])
        assert before == owner.execute(objects).fetchall()


@pytest.mark.usefixtures("shop")
def test_the_last_failed_are_run_alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    words = ("-o", "python_functions=test wrong", "-k", "address or misspelt", "--pgcontract-pg")
    pytester.runpytest_inprocess(*words, "none").assert_outcomes(errors=3)

    pytester.runpytest_inprocess(*words, "wheel", "--lf").assert_outcomes(passed=1, failed=1, errors=1)
    pytester.runpytest_inprocess(*words, "none", "--lf").assert_outcomes(errors=2)


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["alone", "n2"])
def test_an_interruption_leaves_nothing(pytester: pytest.Pytester, shop: Path, room: Path, workers: list[str]) -> None:
    pytester.makepyfile(
        test_shop="import os, time\ndef test_sleeps(pgcontract_db):\n    os.write(2, b'asleep\\n')\n    time.sleep(600)\n"
    )
    arguments = [sys.executable, "-m", "pytest", "-s", "--rootdir", str(pytester.path), str(pytester.path), *workers]
    environment = {**os.environ, "PGCONTRACT_TMP": str(room)}
    with subprocess.Popen(
        arguments, env=environment, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=take_signals
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line == b"asleep\n":
                os.killpg(process.pid, signal.SIGINT)
                break
        rest = process.stderr.read()

    assert (pytest.ExitCode.INTERRUPTED, []) == (process.returncode, sorted(room.rglob("*"))), rest
