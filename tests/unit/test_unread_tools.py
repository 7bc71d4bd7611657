"""Migrations that are code, or a tool's that is not read: which tool it is, and how to hand its SQL over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from case_tables import cases
from command import Command
from pgcontract import FolderOptions, InputError, load_project
from refusals import refusal
from written_files import write_files

ALEMBIC = {"alembic.ini": "[alembic]\n", "alembic/env.py": "", "alembic/versions/1a2b_a.py": "def upgrade(): ...\n"}
FLASK = {"app/migrations/env.py": "", "app/migrations/alembic.ini": "", "app/migrations/versions/1a2b_a.py": ""}
DJANGO = {
    "manage.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rooms.settings")\n',
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": "",
    "shop/migrations/0002_price.py": "",
}
RAILS = {"Gemfile": "", "db/migrate/20240101000000_rooms.rb": "class Rooms < ActiveRecord::Migration[7.1]\nend\n"}
TYPEORM = {"src/migrations/1700000000000-Rooms.ts": "export class Rooms1 implements MigrationInterface {}\n"}
KNEX = {"knexfile.js": "", "migrations/20240101000000_rooms.js": "exports.up = function (knex) {}\n"}
SEQUELIZE = {"migrations/20240101000000-rooms.js": "module.exports = { up: (queryInterface) => {} }\n"}
NODE_PG = {"migrations/1700000000000_rooms.js": "exports.up = (pgm) => {}\n"}
ECTO = {"mix.exs": "", "priv/repo/migrations/20240101000000_rooms.exs": "use Ecto.Migration\n"}
SQITCH = {"sqitch.plan": "%project=rooms\n", "deploy/rooms.sql": "SELECT 1;\n", "revert/rooms.sql": "SELECT 1;\n"}
ATLAS = {"atlas.hcl": "", "migrations/atlas.sum": "h1:\n", "migrations/20240101000000_a.sql": "SELECT 1;\n"}
ENTITY_FRAMEWORK = {"Migrations/20240101000000_Rooms.cs": "public partial class Rooms : Migration {}\n"}
LARAVEL = {"database/migrations/2024_01_01_000000_rooms.php": "use Illuminate\\Database\\Migrations\\Migration;\n"}
GOOSE = {"db/migrations/00001_rooms.go": "func init() { goose.AddMigrationContext(up, down) }\n"}
REFINERY = {
    "Cargo.toml": "[dependencies]\nrefinery = '0.8'\n",
    "migrations/V1__rooms.rs": "pub fn migration() -> String {}\n",
}
LIQUIBASE = {"liquibase.properties": "", "changes/a.sql": "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n"}
BESIDE = {"db/master.yaml": "databaseChangeLog: [{includeAll: {path: db/changes/}}]", "db/psql/1_a.sql": "SELECT 1;"}


def _refusal(tmp_path: Path, files: Mapping[str, str], path: str) -> str:
    root = write_files(tmp_path, files)
    return refusal(load_project, root / path).replace(f"{root}/", "")


@cases(("files", "path", "opening"), {
    "Alembic's project": (ALEMBIC, ".", "these are Alembic migrations: it has alembic.ini."),
    "Alembic": (ALEMBIC, "alembic", "these are Alembic migrations: it has env.py beside versions/."),
    "versions": (ALEMBIC, "alembic/versions", "these are Alembic migrations: it is versions/ beside env.py."),
    "one of Alembic's": (ALEMBIC, "alembic/versions/1a2b_a.py",
        "these are Alembic migrations: it is versions/ beside env.py."),
    "Flask's project": (FLASK, "app", "these are Alembic migrations: it has alembic.ini."),
    "Flask's versions": (FLASK, "app/migrations/versions", "these are Alembic migrations"),
    "Django's project": (DJANGO, ".", "these are Django migrations: it has manage.py."),
    "Django's app": (DJANGO, "shop", "these are Django migrations: it has 0001_initial.py beside __init__.py."),
    "Django": (DJANGO, "shop/migrations", "these are Django migrations"),
    "one of Django's": (DJANGO, "shop/migrations/0001_initial.py", "these are Django migrations"),
    "Rails's project": (RAILS, ".", "these are Rails migrations: it has db/migrate/20240101000000_rooms.rb."),
    "Rails's db": (RAILS, "db", "these are Rails migrations: it has migrate/20240101000000_rooms.rb."),
    "Rails": (RAILS, "db/migrate", "these are Rails migrations: it has 20240101000000_rooms.rb."),
    "TypeORM's project": (TYPEORM, ".", "these are TypeORM migrations: it has src/migrations/17"),
    "TypeORM's sources": (TYPEORM, "src", "these are TypeORM migrations: it has 17"),
    "TypeORM": (TYPEORM, "src/migrations", "these are TypeORM migrations: it has 17"),
    "Knex's project": (KNEX, ".", "these are Knex migrations: it has 2024"),
    "Knex": (KNEX, "migrations", "these are Knex migrations: it has 2024"),
    "Sequelize": (SEQUELIZE, ".", "these are Sequelize migrations: it has 2024"),
    "node-pg-migrate": (NODE_PG, ".", "these are node-pg-migrate migrations: it has 17"),
    "Ecto's project": (ECTO, ".", "these are Ecto migrations: it has priv/repo/migrations/20"),
    "Ecto": (ECTO, "priv/repo/migrations", "these are Ecto migrations: it has 20"),
    "Entity Framework": (ENTITY_FRAMEWORK, ".", "these are Entity Framework migrations: it has Mig"),
    "Laravel's project": (LARAVEL, ".", "these are Laravel migrations: it has database/migrations/2024"),
    "Laravel": (LARAVEL, "database/migrations", "these are Laravel migrations: it has 2024"),
    "goose in Go": (GOOSE, ".", "these are goose migrations: it has db/migrations/00001_rooms.go."),
    "goose in Go, above": (GOOSE, "db", "these are goose migrations: it has 00001_rooms.go."),
    "pgroll": ({"migrations/01_a.json": '{"operations": []}'}, ".", "these are pgroll migrations: it has 01_a.json"),
    "refinery in Rust": (REFINERY, ".", "these are refinery migrations: it has V1__rooms.rs."),
    "Sqitch": (SQITCH, "deploy", "these are Sqitch migrations: it is below sqitch.plan."),
    "Atlas's project": ({"atlas.hcl": ""}, ".", "these are Atlas migrations: it has atlas.hcl."),
    "golang-migrate's for Atlas": ({"m/atlas.sum": "h1:\n", "m/1_a.up.sql": ""}, "m",
        "these are Atlas migrations: it has atlas.sum."),
    "Liquibase's": (LIQUIBASE, ".", "these are Liquibase migrations: it has liquibase.properties."),
})  # fmt: skip
def test_tool_is_named_for_its_folder_and_for_its_project(
    files: dict[str, str], path: str, opening: str, tmp_path: Path
) -> None:
    assert opening in _refusal(tmp_path, files, path)


@cases(("files", "path", "command"), {
    "Alembic": (ALEMBIC, ".", "`alembic upgrade head --sql | pgcontract verify -`"),
    "Django, with the app and its last": (DJANGO, "shop",
        "python manage.py sqlmigrate shop 0002_price > judged/2_pending.sql; pgcontract verify judged`"),
    "Django's project": (DJANGO, ".", "python manage.py sqlmigrate APP NAME > judged/2_pending.sql"),
    "Alembic's deploy": (ALEMBIC, ".", "alembic upgrade FROM:head --sql > judged/2_pending.sql"),
    "Rails": (RAILS, ".", "`pg_dump -s DATABASE | pgcontract verify -`"),
    "Rails's dump": ({**RAILS, "db/structure.sql": "SELECT 1;\n"}, ".", "`pgcontract verify db/structure.sql`"),
    "TypeORM": (TYPEORM, ".", "`pg_dump -s DATABASE | pgcontract verify -`"),
    "Ecto": (ECTO, ".", "`mix ecto.dump` writes"),
    "Atlas": ({"atlas.hcl": ""}, ".", "Name the folder with its migrations, beside atlas.sum"),
    "Liquibase": (LIQUIBASE, ".", "`liquibase update-sql --output-file=pending.sql` prints"),
})  # fmt: skip
def test_command_that_prints_the_sql_is_named(files: dict[str, str], path: str, command: str, tmp_path: Path) -> None:
    assert command in _refusal(tmp_path, files, path)


@cases(("files", "path", "expected"), {
    "printed": ({**DJANGO, "shop/migrations/all.sql": "SELECT 1;"}, "shop/migrations/all.sql", ["all"]),
    "beside the settings": ({**ALEMBIC, "all.sql": "SELECT 1;"}, ".", ["all"]),
    "one change of Sqitch's": (SQITCH, "deploy/rooms.sql", ["rooms"]),
    "one file of Atlas's": (ATLAS, "migrations/20240101000000_a.sql", ["20240101000000_a"]),
    "goose's, with Atlas's sum": ({**ATLAS, "migrations/20240101000000_a.sql": "-- +goose Up\nSELECT 1;\n"}, "migrations",
        ["20240101000000_a"]),
    "a": ({"migrations/1_a.sql": "SELECT 1;", "migrations/2_b.js": "// knex and pgm\n"}, "migrations/1_a.sql", ["1_a"]),
    "the words in a string": ({"x/1_a.sql": "SELECT '\n--liquibase formatted sql';"}, "x", ["1_a"]),
    "Python that is no package": ({"x/1_a.sql": "SELECT 1;", "x/0001_a.py": ""}, "x", ["1_a"]),
    "beside what a changelog includes": (BESIDE, "db/psql", ["1_a"]),
    "other code": ({"x/1_a.sql": "SELECT 1;", "x/1_a.ts": "run();"}, "x", ["1_a"]),
})  # fmt: skip
def test_sql_that_is_there_is_read(files: dict[str, str], path: str, expected: list[str], tmp_path: Path) -> None:
    assert expected == [migration.key for migration in load_project(write_files(tmp_path, files) / path).chain]


@pytest.mark.parametrize(("name", "ending"), [
    ("Version1.php", "Its files, such as Version1.php, are code, and there is no SQL in them to read: migrate a scratch"),
    ("V1__a.ddl", "Its files, such as V1__a.ddl, do not end in .sql"),
    (".1_a.sql", "There is no folder in it either"),
])  # fmt: skip
def test_what_no_tool_here_takes_is_told(name: str, ending: str, tmp_path: Path) -> None:
    assert ending in _refusal(tmp_path, {f"x/{name}": ""}, "x")


def test_layout_of_that_name_is_answered_alike() -> None:
    with pytest.raises(InputError, match=r"--layout alembic: Alembic migrations are not read\. They are code"):
        load_project(Path(__file__).parent, options=FolderOptions(layout="alembic"))


def test_atlas_folder_is_read_where_the_layout_is_named(tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path, ATLAS), options=FolderOptions(layout="flat"))

    assert ["20240101000000_a"] == [migration.key for migration in project.chain]


def test_folder_one_level_down_is_named_with_its_tool(tmp_path: Path) -> None:
    files = {f"api/{name}": text for name, text in ALEMBIC.items()}

    assert "One level down there is api (Alembic): name that" in _refusal(tmp_path, files, ".")


def test_command_says_it_in_one_error(pgcontract: Command, tmp_path: Path) -> None:
    said = pgcontract("verify", write_files(tmp_path, ALEMBIC))

    assert (2, 1) == (said.code, said.err.count("these are Alembic migrations"))
