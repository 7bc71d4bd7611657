"""What a script may reach on an owner's server: its own database, roles of its own, and nothing that was there before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from owner import MAJORS, Owner, owner_of
from pgcontract import RunOptions, load_project, verify
from pgcontract.errors import InputError
from pgcontract.result import Run

MIGRATION = "CREATE TABLE IF NOT EXISTS public.note (id integer PRIMARY KEY);\n"


@pytest.fixture(scope="module", params=MAJORS)
def owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    with owner_of(request.param) as owner:
        yield owner


def judged(owner: Owner, user: str, folder: Path, more: str) -> Run:
    """The run of one script without a contract, its text ended by this."""
    script = folder / "001_reach.sql"
    script.write_text(MIGRATION + more, encoding="utf-8")
    return verify(load_project(script), RunOptions(pg=owner.spec(user), only=("script.applies",)))


def applies(run: Run) -> tuple[str, str]:
    [finding] = [answer for answer in run.findings if answer.check == "script.applies"]
    return finding.status.value, finding.summary


BEYOND = {
    "a role of the owner's": "ALTER ROLE nobody_much CREATEDB;",
    "a password": "DO $$ BEGIN EXECUTE 'ALTER ROLE nobody_much PASSWORD ''x'''; END $$;",
    "the settings of another database": "ALTER DATABASE app SET timezone = 'UTC';",
    "another database": "DROP DATABASE app;",
    "the server": "ALTER SYSTEM SET work_mem = '1GB';",
    "a comment on another database": "COMMENT ON DATABASE lobby IS 'mine';",
    "a membership": "GRANT maker TO plain;",
    "a file": "COPY public.note TO '/tmp/pgcontract_reach';",
    "the end of its role": "RESET ROLE; RESET SESSION AUTHORIZATION; ALTER SYSTEM SET work_mem = '1GB';",
    "a database, behind a nested comment": "/* /* */ ' */ DROP DATABASE app; -- '",
    "a database, behind dashes in a string": "SELECT '--'; DROP DATABASE app;",
    "a password, by a text put together": "DO $$ BEGIN EXECUTE 'ALTER ROLE nobody_much PASS' || 'WORD NULL'; END $$",
    "a lock, by a text put together": "DO $$ BEGIN EXECUTE 'ALTER DATA' || 'BASE app CONNECTION LIMIT 0'; END $$;",
}


@pytest.mark.parametrize("user", ["boss", "maker"])
@pytest.mark.parametrize("reaching", BEYOND.values(), ids=BEYOND)
def test_a_script_changes_nothing_that_was_there(owner: Owner, tmp_path: Path, user: str, reaching: str) -> None:
    before = owner.everything()
    status, _ = applies(judged(owner, user, tmp_path, reaching))

    assert (True, before) == (status in ("broken", "unknown"), owner.everything())


@pytest.mark.parametrize("reaching", BEYOND.values(), ids=BEYOND)
def test_a_script_never_runs_as_a_role_of_the_owners(owner: Owner, tmp_path: Path, reaching: str) -> None:
    before = owner.everything()
    with pytest.raises(InputError, match="the role plain is without CREATEROLE on the server at"):
        judged(owner, "plain", tmp_path, reaching)

    assert before == owner.everything()


def test_a_script_that_names_who_migrates_in_production_is_not_judged_by_another(owner: Owner, tmp_path: Path) -> None:
    status, why = applies(judged(owner, "maker", tmp_path, "ALTER TABLE public.note OWNER TO postgres;"))
    actual = status, why.startswith("The script names the role postgres, which migrates in production but not on this")

    assert ("unknown", True) == actual


@pytest.mark.parametrize("user", ["boss", "maker"])
def test_roles_that_a_script_makes_go_with_the_run(owner: Owner, tmp_path: Path, user: str) -> None:
    before = owner.everything()
    script = "CREATE ROLE reads;\nGRANT SELECT ON public.note TO reads;\nCREATE ROLE writes IN ROLE reads;\n"
    status, why = applies(judged(owner, user, tmp_path, script))
    # Before 16 whoever makes roles reaches all of them, so nobody of ours does.
    short = owner.server.major < 16
    expected = "unknown" if short else "kept", short, before
    assert expected == (status, "is without CREATEROLE" in why, owner.everything())


def test_a_role_that_is_there_already_is_not_the_scripts_fault(owner: Owner, tmp_path: Path) -> None:
    status, why = applies(judged(owner, "boss", tmp_path, "CREATE ROLE nobody_much;"))
    message = (
        "The role is on this server already, made by somebody else; a server of its own shows it: --pg wheel, or --pg "
    )

    assert ("unknown", True) == (status, why.startswith(message) or "is without CREATEROLE" in why), why


def test_what_the_script_itself_gets_wrong_stays_broken(owner: Owner, tmp_path: Path) -> None:
    status, why = applies(judged(owner, "maker", tmp_path, "SELECT no_such_function();"))

    assert ("broken", True) == (status, "no_such_function" in why)


def test_databases_that_a_script_makes_go_with_the_run(owner: Owner, tmp_path: Path) -> None:
    before = owner.everything()
    status, _ = applies(judged(owner, "maker", tmp_path, "CREATE DATABASE made_by_script;"))

    assert ("kept", before) == (status, owner.everything())


def test_forced_row_security_is_not_asked_of_a_role_that_it_holds(owner: Owner, project: Path) -> None:
    (project / "pgcontract.toml").write_text('[production]\nplatform = "supabase"\n', encoding="utf-8")
    migration = project / "migrations" / "001_note.sql"
    forced = "ALTER TABLE public.note ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
    migration.write_text(migration.read_text("utf-8") + forced, encoding="utf-8")
    run = verify(load_project(project), RunOptions(pg=owner.spec("maker"), only=("script.rerun",)))
    why = [finding.summary for finding in run.findings if finding.check == "script.rerun"]

    assert [True] == ["is without BYPASSRLS, and row security is forced on public.note" in summary for summary in why]
