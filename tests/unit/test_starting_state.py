"""Nobody is told off for what was there before the first migration: the platform's objects, and those of a setup."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Command
from pgcontract import FolderOptions, RunOptions, load_project, verify
from pgcontract.postgres.platform import platform_of
from pgcontract.postgres.providers import provider_for
from pgcontract.postgres.sandbox import Sandbox
from pgcontract.result import Finding, Status
from written_files import write_files

# All that a rule could find fault with: no index behind a key, indexes twice, no comment, a body that fails, no rows.
SETUP = """\
CREATE SCHEMA theirs;
CREATE TABLE theirs.team (id integer PRIMARY KEY, lead integer REFERENCES theirs.team, "Name" varchar(3) NOT NULL);
CREATE INDEX team_once ON theirs.team ("Name");
CREATE INDEX team_twice ON theirs.team ("Name");
CREATE INDEX team_longer ON theirs.team ("Name", lead);
CREATE UNIQUE INDEX team_again ON theirs.team (id);
CREATE FUNCTION theirs.broken() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN RETURN (SELECT no FROM nowhere); END $$;
CREATE FUNCTION theirs.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no rows here'; END $$;
CREATE TRIGGER stop BEFORE INSERT ON theirs.team FOR EACH ROW EXECUTE FUNCTION theirs.stop();
CREATE VIEW theirs.teams AS SELECT * FROM theirs.team;
ALTER TABLE theirs.team ENABLE ROW LEVEL SECURITY;
"""
OWN = {
    "migrations/1_own.sql": "CREATE TABLE own (id integer PRIMARY KEY, team integer);\n",
    "migrations/2_own.sql": "ALTER TABLE own ADD COLUMN name text NOT NULL DEFAULT '';\n",
}


@pytest.fixture(scope="module")
def starting_names() -> Iterator[tuple[str, ...]]:
    """The schemas that are there before the first migration."""
    with provider_for("wheel").start() as server, Sandbox(server, platform_of("supabase")) as sandbox:
        schemas = [schema.name for schema in sandbox.starting_catalog.schemas if schema.name != "public"]
        yield (*(f"{schema}." for schema in schemas), "theirs.")


def test_what_was_there_before_the_first_migration_is_not_accused(
    starting_names: tuple[str, ...], tmp_path: Path
) -> None:
    write_files(tmp_path, {**OWN, "setup.sql": SETUP})
    options = FolderOptions(platform="supabase", setup=tmp_path / "setup.sql")
    run = verify(load_project(tmp_path / "migrations", options=options), RunOptions(pg="wheel"))
    accused = [
        finding
        for finding in run.findings
        if finding.status is not Status.KEPT and any(name in _words(finding) for name in starting_names)
    ]

    assert ([], True) == (accused, len(run.findings) > 10)


def _words(finding: Finding) -> str:
    return str(dataclasses.astuple(finding))


ADDED = """\
CREATE TABLE public.person (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE);
ALTER TABLE public.person ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION public.welcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN INSERT INTO public.person VALUES (new.id); RETURN new; END $$;
CREATE TRIGGER welcome AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.welcome();
CREATE POLICY "read all" ON storage.objects FOR SELECT TO anon USING (bucket_id = 'faces');
CREATE INDEX by_owner ON storage.objects (owner_id);
CREATE POLICY hears ON realtime.messages FOR SELECT TO authenticated USING (true);
GRANT SELECT ON auth.users TO service_role;
"""


def test_what_a_migration_adds_to_a_platforms_table_is_judged_and_the_table_is_not(
    pgcontract: Command, tmp_path: Path
) -> None:
    write_files(tmp_path, {"1_add.sql": ADDED})
    pgcontract("draft", "1_add.sql", "--accept")
    run = json.loads(pgcontract("verify", "1_add.sql", "--format", "json").out)
    statuses = {
        finding["subject"]: finding["status"]
        for finding in run["findings"]
        if any(name in finding["subject"] for name in ("auth.", "storage.", "realtime."))
        and not finding["check"].startswith("lock.")  # which the script takes, whosever the table is
    }
    added = ("auth.users.welcome", "realtime.messages.hears", 'storage.objects."read all"', "storage.by_owner")

    assert dict.fromkeys(sorted(added), "kept") == dict(sorted(statuses.items()))


def test_who_declares_a_platforms_table_itself_is_answered(tmp_path: Path) -> None:
    contract = 'migration = "1_add.sql"\n[table."auth.users"]\ncolumns.id = { type = "uuid", null = false }\n'
    files = {"pgcontract.toml": '[production]\nplatform = "supabase"\n', "contracts/1_add/contract.toml": contract}
    write_files(tmp_path, {"migrations/1_add.sql": ADDED, **files})

    assert ["auth.users"] == [table.name for table in load_project(tmp_path).declared("1_add").tables]


@pytest.mark.parametrize(
    ("before", "status"),
    [("", Status.BROKEN), ("DEFAULT ''", Status.KEPT)],
    ids=["a column that any row stops", "a column with a default"],
)
@pytest.mark.parametrize(
    "files", [("2_own.sql",), ("1_own.sql", "2_own.sql")], ids=["the first migration", "a later one"]
)
def test_tables_of_a_setup_hold_rows(before: str, status: Status, files: tuple[str, ...], tmp_path: Path) -> None:
    texts = {
        "1_own.sql": "CREATE TABLE own (id integer PRIMARY KEY);",
        "2_own.sql": f"ALTER TABLE legacy ADD COLUMN word text NOT NULL {before};",
    }
    setup = "CREATE TABLE legacy (id integer PRIMARY KEY, name text NOT NULL);"
    write_files(tmp_path, {"setup.sql": setup, **{f"migrations/{name}": texts[name] for name in files}})
    options = FolderOptions(setup=tmp_path / "setup.sql")
    run = verify(load_project(tmp_path / "migrations", options=options), RunOptions(pg="wheel", only=("rows.accepted",)))

    assert [status] == [finding.status for finding in run.findings if finding.check == "rows.accepted"]
