"""What a script may reach on an owner's server: its own database, roles of its own, and nothing that was there before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from owner import MAJORS, Owner, owner_of
from pgcontract import RunOptions, load_project, verify
from pgcontract.contract import FolderOptions
from written_files import write_files

TABLE = "CREATE TABLE IF NOT EXISTS public.note (id integer PRIMARY KEY);\n"


@pytest.fixture(scope="module", params=MAJORS)
def owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    with owner_of(request.param) as owner:
        yield owner


def judged(owner: Owner, user: str, folder: Path, scripts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """What one run says of how each of these applies, which are pending behind one that makes a table."""
    files = {f"{number:03}_reach.sql": text for number, text in enumerate((TABLE, *scripts.values()))}
    project = load_project(write_files(folder, files), options=FolderOptions(applied="000_reach"))
    run = verify(project, RunOptions(**owner.options(user), only=("script.applies",)))
    answers = {finding.migration: (finding.status.value, finding.summary) for finding in run.findings}
    return {name: answers[f"{number:03}_reach"] for number, name in enumerate(scripts, 1)}


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


@pytest.mark.parametrize("user", ["boss", "plain"])
def test_scripts_change_nothing_that_was_there(owner: Owner, tmp_path: Path, user: str) -> None:
    before = owner.everything()
    answers = judged(owner, user, tmp_path, BEYOND).items()
    wrong = {name: answer for name, answer in answers if answer[0] not in ("broken", "unknown")}

    assert ({}, before) == (wrong, owner.everything())


# Scripts that need what no migration has on an owner's server, though production's role has it, and what is said of it.
MORE = {
    "a role": ("CREATE ROLE reads;\nGRANT SELECT ON public.note TO reads;", "is without CREATEROLE"),
    "a role, by a text put together": ("DO $$ BEGIN EXECUTE 'CREATE' || ' ROLE reads'; END $$;", "is without CREATEROLE"),
    "a role that is there already": ("CREATE USER nobody_much;", "is without CREATEROLE"),
    "a role that it takes for granted": (
        "DO $$ BEGIN CREATE ROLE reads; EXCEPTION WHEN duplicate_object OR insufficient_privilege THEN NULL; END $$;",
        "makes roles and hides where it may not",
    ),
    "a role that another script was to make": (
        "SELECT 'CREATE ROLE reads'; GRANT SELECT ON public.note TO reads;",
        "no roles",
    ),
    "a database": ("CREATE DATABASE made_by_script;", "is without CREATEDB"),
    "the name of its database": (
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RENAME TO mine', current_database()); END $$;",
        "is without CREATEDB",
    ),
    "a membership": ("ALTER TABLE public.note OWNER TO nobody_much;", "is a member of no other role"),
    "to be another": ("SET ROLE nobody_much;", "is a member of no other role"),
    "the way back of a role": ("DROP ROLE IF EXISTS reads;", "is without CREATEROLE"),
}


def test_what_production_may_and_a_migration_here_may_not_is_not_judged(owner: Owner, tmp_path: Path) -> None:
    before = owner.everything()
    answers = judged(owner, "maker", tmp_path, {name: text for name, (text, _) in MORE.items()})
    wrong = {
        name: answers[name]
        for name, (_, reason) in MORE.items()
        if answers[name][0] != "unknown" or not all(word in answers[name][1] for word in (reason, "--pg wheel"))
    }

    assert ({}, before) == (wrong, owner.everything())


def test_what_the_script_itself_gets_wrong_stays_broken_and_who_migrates_in_production_is_no_other(
    owner: Owner, tmp_path: Path
) -> None:
    scripts = {"wrong": "SELECT no_such_function();", "named": "ALTER TABLE public.note OWNER TO postgres;"}
    answers = judged(owner, "maker", tmp_path, scripts)
    words = {
        "wrong": ("broken", "no_such_function"),
        "named": ("unknown", "The script names the role postgres, which migrates in production but not on this"),
    }

    assert words == {
        name: (status, words[name][1] if words[name][1] in why else why) for name, (status, why) in answers.items()
    }


def test_forced_row_security_is_not_asked_of_a_role_that_it_holds(owner: Owner, project: Path) -> None:
    (project / "pgcontract.toml").write_text('[production]\nplatform = "supabase"\n', encoding="utf-8")
    migration = project / "migrations" / "001_note.sql"
    forced = "ALTER TABLE public.note ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
    migration.write_text(migration.read_text("utf-8") + forced, encoding="utf-8")
    run = verify(load_project(project), RunOptions(pg=owner.spec("maker"), only=("script.rerun",)))
    why = [finding.summary for finding in run.findings if finding.check == "script.rerun"]

    assert [True] == ["is without BYPASSRLS, and row security is forced on public.note" in summary for summary in why]
