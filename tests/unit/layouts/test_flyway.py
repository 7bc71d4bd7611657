"""Folders of Flyway."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_tables import cases
from pgcontract import FolderOptions, InputError, RunOptions, load_project, verify
from pgcontract.model.sql import TransactionScope
from pgcontract.reporting.json import to_json
from pgcontract.result import Status
from readings import Read, read
from written_files import write_files

SAMPLE = {
    "db/V1__rooms.sql": "CREATE TABLE rooms (id bigint PRIMARY KEY);\n",
    "db/V1_1__floor.sql": "ALTER TABLE rooms ADD COLUMN floor integer;\n",
    "db/U1.1__floor.sql": "ALTER TABLE rooms DROP COLUMN floor;\n",
    "db/R__names.sql": "CREATE OR REPLACE VIEW names AS SELECT id FROM rooms;\n",
}
FOLDER = "db"


@pytest.mark.parametrize(("schema", "told"), [("app", True), ("public", False)])
def test_a_default_schema_that_is_not_made_here_is_told(schema: str, told: bool, tmp_path: Path) -> None:
    settings = {"flyway.conf": f"flyway.schemas={schema},other\n"}
    project = load_project(write_files(tmp_path, {**SAMPLE, **settings}) / FOLDER)

    assert told == any("Flyway makes the schema app" in sentence for sentence in project.assumptions)


def test_project_is_read_at_the_locations_of_its_settings(tmp_path: Path) -> None:
    settings = {"flyway.toml": '[flyway]\nlocations = ["filesystem:sql/postgresql"]'}
    files = {f"sql/{name}/V1__a.sql": "SELECT 1;" for name in ("mysql", "postgresql")}
    project = load_project(write_files(tmp_path, {**files, **settings}))

    assert (["sql/postgresql/V1__a.sql"], True) == (
        [migration.file for migration in project.chain],
        "Not read: sql/mysql/; the locations in Flyway's settings do not name it." in project.assumptions,
    )


@pytest.mark.parametrize(
    ("said", "value", "told"),
    [("", "'1'", True), ('[flyway]\nenvironment = "two"\n', "'2'", False)],
    ids=["none is said", "one is said"],
)
def test_environment_of_flyway_toml_has_its_own_placeholders(said: str, value: str, told: bool, tmp_path: Path) -> None:
    own = '[environments.{}.flyway.placeholders]\na = "{}"\n'
    files = {"db/V1__a.sql": "SELECT '${a}'", "flyway.toml": said + own.format("one", 1) + own.format("two", 2)}
    project = load_project(write_files(tmp_path, files) / FOLDER)

    assert (f"SELECT {value}", told) == (
        project.head.up.text,
        any("Of the environments in flyway.toml, one is taken" in sentence for sentence in project.assumptions),
    )


def test_location_elsewhere_is_told(tmp_path: Path) -> None:
    settings = {"flyway.conf": "flyway.locations=filesystem:a,filesystem:b"}
    project = load_project(write_files(tmp_path, {"a/V1__a.sql": "", "b/V2__b.sql": "", **settings}) / "b")

    assert any("name a folder that holds both" in sentence for sentence in project.assumptions)


def test_one_file_is_read_alone(tmp_path: Path) -> None:
    expected = Read(layout="flyway", order=["V1_1__floor"], back=[], issues=[])

    assert expected == read(tmp_path, SAMPLE, "db/V1_1__floor.sql")


FILE, ALL, NONE = TransactionScope.FILE, TransactionScope.ALL, TransactionScope.MESSAGE
LONELY = "CREATE INDEX CONCURRENTLY a ON rooms (id);"


@cases(("text", "more", "scope", "issues"), {
    "a transaction a file": ("SELECT 1;", {}, FILE, []),
    "noticed": (LONELY, {}, NONE, []),
    "noticed too": ("DROP INDEX CONCURRENTLY a;", {}, NONE, []),
    "not noticed": ("REINDEX TABLE CONCURRENTLY rooms;", {}, FILE, []),
    "in a string and a comment": ("SELECT 'VACUUM'; -- VACUUM;", {}, FILE, []),
    "beside others": ("SELECT 1;\n" + LONELY, {}, FILE, ["migration.accepted error V2__x.sql:2"]),
    "mixed": ("SELECT 1;\n" + LONELY, {"flyway.conf": "flyway.mixed=true"}, NONE, []),
    "mixed, in TOML": ("SELECT 1;\n" + LONELY, {"flyway.toml": "[flyway]\nmixed = true"}, NONE, []),
    "its own settings": ("SELECT 1;\n" + LONELY, {"db/V2__x.sql.conf": "executeInTransaction=false"}, NONE, []),
    "true means that it is asked": (LONELY, {"db/V2__x.sql.conf": "executeInTransaction=true"}, NONE, []),
    "none at all": ("SELECT 1;", {"conf/flyway.conf": "flyway.executeInTransaction=false"}, NONE, []),
    "group": ("SELECT 1;", {"flyway.conf": "# flyway.group=false\nflyway.group = true"}, ALL, []),
    "outside of a group": (LONELY, {"flyway.conf": "flyway.group=true"}, NONE,
        ["migration.accepted warning V2__x.sql:1"]),
})  # fmt: skip
def test_transaction(text: str, more: dict[str, str], scope: TransactionScope, issues: list[str], tmp_path: Path) -> None:
    files = {"db/V1__rooms.sql": SAMPLE["db/V1__rooms.sql"], "db/V2__x.sql": text, **more}
    project = load_project(write_files(tmp_path, files) / FOLDER)

    assert (scope, issues) == (
        project.head.up.execution.transaction,
        [f"{issue.kind.value} {issue.severity and issue.severity.value} {issue.subject}:{issue.line}"
         for issue in project.issues],
    )  # fmt: skip


def test_repeatable_script_is_run_again_and_again(tmp_path: Path) -> None:
    project = load_project(write_files(tmp_path, SAMPLE) / FOLDER)

    assert [False, False, True] == [migration.up.execution.repeatable for migration in project.chain]


@cases(("text", "more", "values", "sent"), {
    "in any case": ("SELECT '${Name}';", {}, {"name": "x"}, "SELECT 'x';"),
    "in a comment": ("SELECT 1; -- ${name}", {}, {"name": "x"}, "SELECT 1; -- x"),
    "in a body": ("DO $$ SELECT '${a.b}' $$;", {}, {"a.b": "x"}, "DO $$ SELECT 'x' $$;"),
    "from flyway.conf": ("SELECT '${a}';", {"flyway.conf": "flyway.placeholders.a=b \\\n  c"}, {}, "SELECT 'b c';"),
    "from flyway.toml": ("SELECT '${a}';", {"flyway.toml": "[flyway.placeholders]\na = 'b'"}, {}, "SELECT 'b';"),
    "--set comes first": ("SELECT '${a}';", {"flyway.conf": "flyway.placeholders.a=b"}, {"a": "c"}, "SELECT 'c';"),
    "Flyway's own": ("SELECT '${flyway:defaultSchema} ${flyway:filename} ${flyway:table}';", {}, {},
        "SELECT 'public V1__a.sql flyway_schema_history';"),
    "other signs": ("SELECT '#a#', '${a}';", {"flyway.conf": "flyway.placeholderPrefix=#\nflyway.placeholderSuffix=#"},
        {"a": "b"}, "SELECT 'b', '${a}';"),
    "switched off": ("SELECT '${a}';", {"flyway.conf": "flyway.placeholderReplacement=false"}, {"a": "b"},
        "SELECT '${a}';"),
    "switched off for the script": ("SELECT '${a}';", {"db/V1__a.sql.conf": "placeholderReplacement = false"}, {"a": "b"},
        "SELECT '${a}';"),
    "no placeholder": ("SELECT '$a', '${}';", {}, {"a": "b"}, "SELECT '$a', '${}';"),
    "from Spring's properties": ("SELECT '${App-Role}';",
        {"application.properties": "x=1\nspring.flyway.placeholders.app-role = app"}, {}, "SELECT 'app';"),
    "from Spring's YAML, without profiles": ("SELECT '#a#';",
        {"config/application.yml": "spring:\n  datasource: {url: x}\n  flyway:\n    placeholder-prefix: '#' # so\n"
         '    placeholderSuffix: "#"\n    placeholders:\n      # the role\n      a: it\'s # mine\n---\n'
         "spring:\n  config.activate.on-profile: test\n  flyway.placeholders.a: test\n"},
        {}, "SELECT 'it's';"),
    "Flyway's own file before Spring's": ("SELECT '${a}${b}';",
        {"flyway.conf": "flyway.placeholders.a=1",
         "application.yaml": "spring.flyway.placeholders: \n  a: 2\n  b: 3\n  c: 4"},
        {}, "SELECT '13';"),
})  # fmt: skip
def test_placeholder(text: str, more: dict[str, str], values: dict[str, str], sent: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/V1__a.sql": text, **more})
    project = load_project(root / FOLDER, options=FolderOptions(values=values))

    assert (sent, ()) == (project.head.up.text, project.issues)


def test_name_without_a_value_is_told_once(tmp_path: Path) -> None:
    files = {"db/V1__a.sql": "SELECT 1,\n'${b}', '${B}', '${flyway:user}';", "db/V2__b.sql": "SELECT '${b}';"}
    project = load_project(write_files(tmp_path, files) / FOLDER)

    assert [("V1__a", "b", 2), ("V1__a", "flyway:user", 2)] == [
        (issue.key, issue.subject, issue.line) for issue in project.issues
    ]


def test_secret_is_in_no_part_of_a_run_even_where_the_database_has_it(tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    sql = (
        "CREATE TABLE a (b text DEFAULT '${Api_Token}' CHECK (b <> '${Api_Token}'));\n"
        "COMMENT ON TABLE a IS '${Api_Token}';\n"
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE '${Api_Token}'; END $$;\n"
        "CREATE VIEW v AS SELECT '${Api_Token}' AS x;\n"
    )
    root = write_files(tmp_path, {"db/V1__a.sql": sql})
    project = load_project(root / FOLDER, options=FolderOptions(values={"api_token": secret}))
    run = verify(project, RunOptions(examples=2))

    assert (False, True) == (secret in to_json(run), "${api_token}" in to_json(run))


def test_value_is_in_no_part_of_a_run(tmp_path: Path) -> None:
    root = write_files(
        tmp_path,
        {
            "db/V1__a.sql": "CREATE TABLE a (b text);\nINSERT INTO a VALUES ('${secret}');\n",
            "db/V2__b.sql": "\nSELECT '${secret}'::int;\n",
        },
    )
    project = load_project(root / FOLDER, options=FolderOptions(values={"secret": "hunter2-hunter2"}))
    run = verify(project, RunOptions(only=("script.*", "rollback.*", "migration.*")))

    assert "hunter2" not in to_json(run) + repr(project)


def test_refusal_of_a_name_without_a_value_says_what_to_type(tmp_path: Path) -> None:
    files = {"db/V1__a.sql": "CREATE TABLE ${schema}.a (i integer);\n", "db/V2__b.sql": "SELECT 1;"}
    root = write_files(tmp_path, files)
    run = verify(load_project(root / FOLDER), RunOptions(only=("script.applies", "migration.placeholders")))

    assert [("migration.placeholders", "Give it with --set schema=VALUE."),
            ("script.applies", "Give schema a value: --set schema=VALUE.")] == sorted(
        (finding.check, finding.remedy) for finding in run.findings if finding.status is Status.BROKEN
    )  # fmt: skip


def test_refusal_stands_at_its_place_in_the_file(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/V1__a.sql": "SELECT ${a},\n  ${b}::int, nowhere;\n"})
    project = load_project(root / FOLDER, options=FolderOptions(values={"a": "1,\n2,\n3", "b": "'4'"}))
    run = verify(project, RunOptions(only=("script.applies",)))

    assert [(Status.BROKEN, 2, 14)] == [
        (finding.status, finding.origin and finding.origin.line, finding.origin and finding.origin.column)
        for finding in run.findings
    ]


def test_repeatable_script_that_fails_when_it_is_run_again_blocks_wherever_it_stands(tmp_path: Path) -> None:
    files = {
        "db/R__a.sql": "CREATE TABLE lookup (k text);\n",
        "db/R__b.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS n;\n",
    }
    write_files(tmp_path, {"db/V1__rooms.sql": SAMPLE["db/V1__rooms.sql"], **files})
    run = verify(load_project(tmp_path / FOLDER), RunOptions(only=("script.rerun",)))
    found = {finding.migration: (finding.status, finding.blocks) for finding in run.findings}

    assert {"R__a": (Status.BROKEN, True), "R__b": (Status.KEPT, False)} == found


@cases(("text", "expected"), {
    "rows with a semicolon": ("COPY a FROM stdin;\n1\tx;\n\\.\nSELECT 1;\n",
        [("COPY a FROM stdin", "1\tx;\n", 1), ("SELECT 1", None, 4)]),
    "two, CRLF": ("copy a (i)\r\n from stdin;\r\n1\r\n\\.\r\nCOPY b FROM STDIN;\r\n\\.\r\n",
        [("copy a (i)\r\n from stdin", "1\r\n", 1), ("COPY b FROM STDIN", "", 5)]),
    "no end, and a placeholder": ("COPY a FROM STDIN;\n'${x}\n", [("COPY a FROM STDIN", "'y\n", 1)]),
    "nothing behind it": ("COPY a FROM STDIN", [("COPY a FROM STDIN", "", 1)]),
    "no rows": ("COPY a TO STDOUT; SELECT 'FROM STDIN';",
        [("COPY a TO STDOUT", None, 1), ("SELECT 'FROM STDIN'", None, 1)]),
})  # fmt: skip
def test_rows_follow_a_copy(text: str, expected: list[tuple[str, str | None, int]], tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/V1__a.sql": "SELECT 0;"})
    (root / "db" / "V2__b.sql").write_bytes(text.encode())
    project = load_project(root / FOLDER, options=FolderOptions(values={"x": "y"}))

    assert expected == [(statement.text, statement.copy_rows, statement.line) for statement in project.head.up.statements]


def test_rows_are_there(tmp_path: Path) -> None:
    root = write_files(
        tmp_path,
        {
            "db/V1__a.sql": "CREATE TABLE a (i integer, t text);\nCOPY a FROM STDIN;\n1\tone;\n2\ttwo\n\\.\n",
            "db/V2__b.sql": "DO $$ BEGIN ASSERT (SELECT string_agg(t, ',') FROM a) = 'one;,two'; END $$;\n",
        },
    )
    run = verify(load_project(root / FOLDER), RunOptions(only=("script.*",)))

    assert [Status.KEPT] * 2 == [finding.status for finding in run.findings if finding.check == "script.applies"]


def test_folder_without_a_migration_is_refused(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/afterMigrate.sql": "SELECT 1;"})
    with pytest.raises(InputError, match=r"db: holds no migration; Flyway's are called V<version>__<name>\.sql"):
        load_project(root / FOLDER, options=FolderOptions(layout="flyway"))


@pytest.mark.parametrize("values", [{}, {"s": "app"}], ids=["without a value", "with one"])
@pytest.mark.parametrize("text", [
    "COPY ${s}.t FROM STDIN;\n1\n\\.\n",
    "UPDATE ${s}.t SET x = 1;",
    "DELETE FROM ${s}.t;",
    "INSERT INTO ${s}.t SELECT 1;",
])  # fmt: skip
def test_name_that_opens_every_statement_is_sql(text: str, values: dict[str, str], tmp_path: Path) -> None:
    root = write_files(tmp_path, {"db/V1__a.sql": text})

    assert len(load_project(root / "db", options=FolderOptions(values=values)).head.up.statements) == 1


def test_undo_script_that_is_named_is_told_to_be_one(tmp_path: Path) -> None:
    root = write_files(tmp_path, SAMPLE)

    with pytest.raises(InputError, match=r"U1\.1__floor\.sql: is a rollback script; name the migration it belongs to"):
        load_project(root / "db/U1.1__floor.sql")


def test_a_value_that_spring_takes_from_elsewhere_is_asked_for(tmp_path: Path) -> None:
    values = "spring.flyway.placeholders.a=${APP_ROLE:app}\nspring.flyway.placeholders.b=@project.name@\n"
    files = {"application.properties": values, "db/V1__a.sql": "SELECT '${a} ${b}';"}
    project = load_project(write_files(tmp_path, files) / FOLDER)

    assert "SELECT '${a} ${b}';" == project.head.up.text
    assert 2 == len(project.issues)


def test_springs_suffixes_are_a_list(tmp_path: Path) -> None:
    yaml = "spring:\n  flyway:\n    sql-migration-suffixes:\n      - .ddl\n      - .sql\n"
    folder = "src/main/resources/db/migration"
    files = {
        "src/main/resources/application.yml": yaml,
        **{f"{folder}/{name}": "" for name in ("V1__a.sql", "V2__b.ddl")},
    }

    assert "V2__b" == load_project(write_files(tmp_path, files) / folder).head.key


def test_the_settings_stand_where_the_build_is_started(tmp_path: Path) -> None:
    folder = "src/main/resources/db/migration"
    write_files(tmp_path, {"flyway.conf": "flyway.placeholders.role=app", f"{folder}/V1__a.sql": "SELECT '${role}';"})

    assert "SELECT 'app';" == load_project(tmp_path / folder).head.up.text
