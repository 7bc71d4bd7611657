"""Which schemas Supabase's REST API shows, as the folder says."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from command import command_here
from pgcontract.contract import FolderOptions, load_project
from written_files import write_files

CONFIG = "supabase/config.toml"
DEFAULT = ("public", "graphql_public")


@cases(("config", "migration", "names", "source"), {
    "nothing said": ("", "SELECT 1;", DEFAULT, ""),
    "listed": ('[api]\nschemas = ["api", "public"]', "SELECT 1;", ("api", "public"), CONFIG),
    "none": ("[api]\nschemas = []", "SELECT 1;", (), CONFIG),
    "switched off": ("[api]\nenabled = false", "SELECT 1;", (), CONFIG),
    "no list": ('[api]\nschemas = "public"', "SELECT 1;", DEFAULT, ""),
    "an environment says it": ('[api]\nschemas = ["env(SHOWN)"]', "SELECT 1;", DEFAULT, ""),
    "no TOML": ("[api\n", "SELECT 1;", DEFAULT, ""),
    "no table": ("api = 1\n", "SELECT 1;", DEFAULT, ""),
    "a role's setting": ('[api]\nschemas = ["public"]', "ALTER ROLE authenticator SET pgrst.db_schemas = 'public, api';",
        ("public", "api"), "1_a.sql"),
    "bare": ("", "ALTER ROLE authenticator SET pgrst.db_schemas TO public, api;", ("public", "api"), "1_a.sql"),
    "a comment": ("", "-- ALTER ROLE authenticator SET pgrst.db_schemas = 'api';\nSELECT 1;", DEFAULT, ""),
})  # fmt: skip
def test_schemas_that_the_rest_api_shows_are_those_that_the_folder_names(
    config: str, migration: str, names: tuple[str, ...], source: str, tmp_path: Path
) -> None:
    folder = write_files(tmp_path, {CONFIG: config, "supabase/migrations/1_a.sql": migration})

    exposed = load_project(folder / "supabase").exposed

    assert (names, source) == (exposed.names, exposed.source)


def test_search_path_beside_them_is_read(tmp_path: Path) -> None:
    config = '[api]\nextra_search_path = ["public", "inner"]'
    folder = write_files(tmp_path, {CONFIG: config, "supabase/migrations/1_a.sql": "SELECT 1;"})

    assert ("public", "inner") == load_project(folder / "supabase").exposed.search_path


@cases(("config", "more", "platform", "major"), {
    "named": ("[db]\nmajor_version = 17", {}, None, 17),
    "not named": ("[db]\nport = 1", {}, None, None),
    "no number": ("[db]\nmajor_version = '17'", {}, None, None),
    "no number either": ("[db]\nmajor_version = true", {}, None, None),
    "said": ("[db]\nmajor_version = 17", {"pgcontract.toml": "[production]\npostgres = 15"}, None, 15),
    "another platform": ("[db]\nmajor_version = 17", {}, "postgres", None),
    "platform": ("[db]\nmajor_version = 17", {"pgcontract.toml": "[production]\nplatform = 'supabase'"}, None, 17),
})  # fmt: skip
def test_the_major_version_is_what_the_configuration_names(
    config: str, more: dict[str, str], platform: str | None, major: int | None, tmp_path: Path
) -> None:
    files = {f"supabase/{name}": text for name, text in more.items()}
    folder = write_files(tmp_path, {CONFIG: config, "supabase/migrations/1_a.sql": "SELECT 1;", **files})
    project = load_project(folder / "supabase", options=FolderOptions(platform=platform))
    said = [sentence for sentence in project.assumptions if "config.toml:2 says" in sentence]

    assert (major, major == 17) == (project.postgres, len(said) == 1)


def test_config_says_where_the_major_version_is_from(tmp_path: Path) -> None:
    files = {CONFIG: "\n[db]\nmajor_version = 17\n", "supabase/migrations/1_a.sql": "SELECT 1;"}
    run = command_here(write_files(tmp_path, files))
    said = [
        run("config", "supabase", *more).out.split("production.postgres")[1].split()[:2]
        for more in ((), ("--platform", "postgres"))
    ]

    assert [["17", f"{CONFIG}:3"], ["not", "said"]] == said
