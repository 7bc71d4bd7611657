"""Which schemas Supabase's REST API shows, as the folder says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract.contract import load_project
from written_files import write_files

CONFIG = "supabase/config.toml"
DEFAULT = ("public", "graphql_public")


@pytest.mark.parametrize(
    ("config", "migration", "names", "source"),
    [
        pytest.param("", "SELECT 1;", DEFAULT, "", id="nothing said"),
        pytest.param('[api]\nschemas = ["api", "public"]', "SELECT 1;", ("api", "public"), CONFIG, id="listed"),
        pytest.param("[api]\nschemas = []", "SELECT 1;", (), CONFIG, id="none"),
        pytest.param("[api]\nenabled = false", "SELECT 1;", (), CONFIG, id="switched off"),
        pytest.param('[api]\nschemas = "public"', "SELECT 1;", DEFAULT, "", id="no list"),
        pytest.param('[api]\nschemas = ["env(SHOWN)"]', "SELECT 1;", DEFAULT, "", id="an environment says it"),
        pytest.param("[api\n", "SELECT 1;", DEFAULT, "", id="no TOML"),
        pytest.param("api = 1\n", "SELECT 1;", DEFAULT, "", id="no table"),
        pytest.param(
            '[api]\nschemas = ["public"]',
            "ALTER ROLE authenticator SET pgrst.db_schemas = 'public, api';",
            ("public", "api"),
            "1_a.sql",
            id="a role's setting",
        ),
        pytest.param(
            "", "ALTER ROLE authenticator SET pgrst.db_schemas TO public, api;", ("public", "api"), "1_a.sql", id="bare"
        ),
        pytest.param(
            "", "-- ALTER ROLE authenticator SET pgrst.db_schemas = 'api';\nSELECT 1;", DEFAULT, "", id="a comment"
        ),
    ],
)
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
