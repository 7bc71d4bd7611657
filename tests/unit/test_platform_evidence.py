"""A folder that is meant for Supabase is known by where it lies and by what it uses, and told in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pgcontract.contract import FolderOptions, load_project
from refusals import refusal
from written_files import write_files

FILE = "migrations/001_a.sql"
USES = {
    "a function": ("CREATE POLICY p ON t USING (auth.uid() = owner);", "uses auth.uid()"),
    "upper case, with blanks": ("SELECT AUTH . JWT ();", "uses auth.jwt()"),
    "the table of people": ("CREATE TABLE t (id uuid REFERENCES auth.users (id));", "uses auth.users"),
    "quoted names": ('CREATE TABLE "t" ("id" uuid REFERENCES "auth"."users"("id"));', "uses auth.users"),
    "a trigger on it": ("CREATE TRIGGER a AFTER INSERT ON auth.users EXECUTE FUNCTION f();", "uses auth.users"),
    "files": ("INSERT INTO storage.buckets (id) VALUES ('a');", "uses storage.buckets"),
    "a function of files": ("SELECT storage.foldername('a/b');", "uses storage.foldername()"),
    "a grant": ("GRANT SELECT ON t TO app, authenticated;", "names the role authenticated"),
    "a revoke": ("REVOKE ALL ON t FROM anon;", "names the role anon"),
    "a quoted role": ('GRANT ALL ON TABLE "t" TO "service_role";', "names the role service_role"),
    "a policy": ("CREATE POLICY p ON t FOR SELECT TO anon USING (true);", "names the role anon"),
    "whoever becomes it": ("SET LOCAL ROLE anon;", "names the role anon"),
    "what is granted": ("GRANT anon TO app;", "names the role anon"),
    "an owner": ("ALTER TABLE t OWNER TO service_role;", "names the role service_role"),
    "the body of a function": (
        "CREATE FUNCTION f() RETURNS uuid LANGUAGE sql AS $body$ SELECT auth.uid() $body$;",
        "uses auth.uid()",
    ),
    "a body that holds an apostrophe": (
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'it''s' $$; GRANT EXECUTE ON FUNCTION f() TO anon;",
        "names the role anon",
    ),
    "a text in dollar quotes before it": ("SELECT $$it's$$; REVOKE ALL ON t FROM anon;", "names the role anon"),
    "behind a comment in a body": ("DO $$ BEGIN -- it's\n PERFORM auth.uid(); END $$;", "uses auth.uid()"),
    "behind nested comments": ("/* a /* b */ ' */ SELECT auth.uid();", "uses auth.uid()"),
    "lines that end as Windows has it": ("-- a\r\nREVOKE ALL\r\nON t FROM\r\nanon;\r\n", "names the role anon"),
}
OWN = {
    "a comment": "-- auth.uid() of anon\nSELECT 1;",
    "a nested comment": "/* /* */ GRANT ALL ON t TO anon; */ SELECT 1;",
    "a string": "SELECT 'auth.uid()', 'GRANT ALL ON t TO anon';",
    "a string with escapes": r"SELECT E'\' TO anon auth.uid()';",
    "a quoted name": 'CREATE TABLE "GRANT ALL ON t TO anon" ();',
    "a name in capitals": 'GRANT ALL ON t TO "ANON";',
    "a table called anon": "CREATE TABLE anon (id int); SELECT * FROM anon; DELETE FROM anon;",
    "a column called anon": "CREATE TABLE t (anon bool, authenticated bool); SELECT anon FROM t;",
    "a column renamed": "ALTER TABLE t RENAME COLUMN a TO anon;",
    "a table renamed": "ALTER TABLE t RENAME TO authenticated;",
    "a savepoint": "ROLLBACK TO anon;",
    "a setting": "SET application_name TO anon;",
    "a table's grant": "GRANT SELECT ON anon TO app;",
    "a rule's condition": "CREATE RULE r AS ON INSERT TO anon DO INSTEAD NOTHING;",
    "a schema of its own": "CREATE SCHEMA IF NOT EXISTS auth; CREATE TABLE auth.users (id int); SELECT auth.uid();",
    "a quoted schema of its own": 'CREATE SCHEMA "auth"; SELECT * FROM auth.users;',
    "a schema by its owner": "CREATE SCHEMA AUTHORIZATION storage; SELECT * FROM storage.objects;",
    "a function of its own": "CREATE OR REPLACE FUNCTION auth.uid() RETURNS uuid RETURN NULL; SELECT auth.uid();",
    "roles beside a schema of its own": "CREATE SCHEMA auth; GRANT USAGE ON SCHEMA auth TO anon;",
    "a role of its own": "CREATE ROLE anon NOLOGIN; GRANT ALL ON t TO anon;",
    "the others of them": "CREATE ROLE anon; GRANT anon TO service_role; GRANT ALL ON t TO authenticated;",
    "a role made in a body": "DO $$ BEGIN CREATE ROLE anon; END $$; GRANT ALL ON t TO anon;",
    "a column of a table called auth": "SELECT 1 FROM t auth JOIN u ON auth.users = u.id WHERE auth.role > 1;",
    "longer names": "SELECT oauth.uid(), auth.uids(), myauth.users; GRANT ALL ON t TO anonymous, anon2;",
    "another schema's": "SELECT * FROM x.auth.users; SELECT x.storage.objects();",
}


def _told(root: Path, options: FolderOptions | None = None) -> tuple[str, tuple[str, ...]]:
    project = load_project(root, options=options)
    return project.platform, project.assumptions[1:]


def _sentence(evidence: str) -> str:
    return (
        f"Taken as a Supabase project, for {evidence}: its roles and schemas are made first; --platform postgres "
        "switches that off."
    )


@pytest.mark.parametrize(("text", "evidence"), USES.values(), ids=USES)
def test_what_only_supabase_has_puts_its_stage_on(text: str, evidence: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"001_a.sql": "SELECT 1;", "002_b.sql": text})

    assert ("supabase", (_sentence(f"002_b.sql {evidence}"),)) == _told(tmp_path)


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_what_is_the_owners_own_does_not(text: str, tmp_path: Path) -> None:
    write_files(tmp_path, {"001_a.sql": text})

    assert ("postgres", ()) == _told(tmp_path)


@pytest.mark.parametrize(("files", "folder", "evidence"), [
    ({"supabase/migrations/1_a.sql": "SELECT 1;"}, "supabase/migrations", "the folder lies below supabase/"),
    ({"supabase/config.toml": "", "db/1_a.sql": "SELECT 1;"}, "db", "beside it is supabase/config.toml"),
    ({"supabase/config.toml": "", "a/db/1_a.sql": "SELECT 1;"}, "a/db", "beside it is supabase/config.toml"),
], ids=["below it", "beside it", "one level down"])  # fmt: skip
def test_a_folder_near_supabases_own_is_one(files: Mapping[str, str], folder: str, evidence: str, tmp_path: Path) -> None:
    write_files(tmp_path, files)

    assert ("supabase", (_sentence(evidence),)) == _told(tmp_path / folder)


def test_a_folder_that_is_said_to_be_laid_out_as_supabases_is_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"1_a.sql": "SELECT 1;"})

    expected = ("supabase", (_sentence("the folder is laid out as its command line does"),))
    assert expected == _told(tmp_path, FolderOptions(layout="supabase"))


@pytest.mark.parametrize("later", ["001_a.sql", "009_z.sql"])
def test_a_schema_that_any_migration_makes_is_the_owners(later: str, tmp_path: Path) -> None:
    write_files(tmp_path, {later: "CREATE SCHEMA auth;", "005_b.sql": "SELECT auth.uid();"})

    assert ("postgres", ()) == _told(tmp_path)


def test_what_the_setup_makes_is_the_owners(tmp_path: Path) -> None:
    write_files(tmp_path, {"m/1_a.sql": "GRANT ALL ON t TO anon;", "setup.sql": "CREATE ROLE anon;"})

    assert ("postgres", ()) == _told(tmp_path / "m", FolderOptions(setup=tmp_path / "setup.sql"))


@pytest.mark.parametrize("platform", ["postgres", "supabase"])
def test_who_says_the_platform_is_believed(platform: str, tmp_path: Path) -> None:
    write_files(tmp_path, {FILE: "SELECT auth.uid();"})

    assert (platform, ()) == _told(tmp_path, FolderOptions(platform=platform))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [('[production]\nplatform = "postgres"\n', "postgres"), ("[production]\npostgres = 17\n", "supabase")],
    ids=["the platform", "another thing"],
)
def test_the_projects_file_decides_where_it_says_the_platform(settings: str, expected: str, tmp_path: Path) -> None:
    write_files(tmp_path, {FILE: "SELECT auth.uid();", "pgcontract.toml": settings})

    assert expected == load_project(tmp_path).platform


def test_a_platform_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {FILE: "SELECT 1;"})

    said = refusal(load_project, tmp_path, options=FolderOptions(platform="supabse"))

    assert "--platform supabse: no platform is called so; did you mean `supabase`?" == said
