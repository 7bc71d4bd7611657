"""What pytest collects, and how little it troubles who never heard of contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

FILE = "schema/contracts/001_note/contract.toml"


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """The node ids that `pytest --collect-only` prints."""
    result = pytester.runpytest_inprocess("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


@pytest.mark.usefixtures("project")
def test_an_item_is_named_by_its_check_and_subject(pytester: pytest.Pytester) -> None:
    assert f"{FILE}::column.type[body]" in collected(pytester, "schema")


@pytest.mark.usefixtures("project")
def test_one_item_is_collected_by_its_node_id(pytester: pytest.Pytester) -> None:
    name = f"{FILE}::column.type[body]"

    assert [name] == collected(pytester, name)


@pytest.mark.usefixtures("project")
def test_keywords_choose_items(pytester: pytest.Pytester) -> None:
    actual = collected(pytester, "schema", "-k", "column.type")

    assert [f"{FILE}::column.type[id]", f"{FILE}::column.type[body]"] == sorted(actual, reverse=True)


@pytest.mark.usefixtures("project")
def test_skipped_checks_are_not_collected(pytester: pytest.Pytester) -> None:
    actual = collected(pytester, "schema", "--pgcontract-only", "column.*", "--pgcontract-skip", "column.t*")

    assert {False} == {"column.type" in name for name in actual}


def test_a_migration_without_a_contract_is_asked_about_beside_its_neighbour(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "migrations/002_more.sql").write_text("CREATE TABLE IF NOT EXISTS public.more ();\n", encoding="utf-8")

    assert f"{FILE}::002_more/script.applies[script]" in collected(pytester, "schema")


def test_a_mistake_in_a_contract_is_told_with_its_line_and_without_a_traceback(
    pytester: pytest.Pytester, project: Path
) -> None:
    contract = pytester.path / FILE
    contract.write_text(contract.read_text(encoding="utf-8").replace("purpose", "porpose"), encoding="utf-8")
    result = pytester.runpytest_inprocess("schema")

    result.stdout.fnmatch_lines([f"*{FILE}:4*porpose*purpose*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert pytest.ExitCode.INTERRUPTED == result.ret


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("option", "message"), [
    (["--pgcontract-pg", "weel"], "*unknown server 'weel'*did you mean 'wheel'?*"),
    (["--pgcontract-only", "colum.type"], "*'colum.type' selects no check*column.type*"),
    (["--pgcontract-through", "7"], "*no migration is called '7'*"),
    (["--pgcontract-report", "pyproject.toml/reports"], "*report folder*cannot be written*"),
], ids=["server", "check", "migration", "folder"])  # fmt: skip
def test_a_mistaken_option_is_told_before_a_server_starts(
    pytester: pytest.Pytester, option: list[str], message: str
) -> None:
    pytester.makepyprojecttoml("")
    result = pytester.runpytest_inprocess("schema", *option)

    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert pytest.ExitCode.INTERRUPTED == result.ret


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("arguments", [
    ["schema"],
    ["schema/"],
    [FILE],
    ["schema/contracts"],
    ["schema/migrations/001_note.sql"],
    ["test_other.py", "schema"],
    [".", "schema"],
    ["--pgcontract"],
    ["--pgcontract", "."],
], ids=" ".join)  # fmt: skip
def test_contracts_are_collected_where_an_argument_is_their_project_or_in_it(
    pytester: pytest.Pytester, arguments: list[str]
) -> None:
    pytester.makepyfile(test_other="def test_passes(): pass")

    assert any("::column.type[body]" in item for item in collected(pytester, *arguments))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("paths", ["schema", "test_other.py schema", "sch*"])
def test_testpaths_are_arguments(pytester: pytest.Pytester, paths: str) -> None:
    pytester.makepyfile(test_other="def test_passes(): pass")
    pytester.makeini(f"[pytest]\ntestpaths = {paths}\n")

    assert f"{FILE}::column.type[body]" in collected(pytester)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments", [[], ["."], ["./"], ["test_other.py"], ["sub"], ["-n2"], ["-n2", "."]], ids=lambda words: " ".join(words)
)
def test_nothing_else_collects_them(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makepyfile(test_other="def test_passes(): pass")
    (pytester.mkdir("sub") / "test_below.py").write_text("def test_passes(): pass", encoding="utf-8")
    ran = pytester.runpytest("-v", *arguments)

    ran.stdout.no_fnmatch_line("*column.type*")
    assert pytest.ExitCode.OK == ran.ret


@pytest.mark.parametrize("word", [None, "."])
def test_the_working_folder_is_no_argument_in_a_project_itself(
    pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch, word: str | None
) -> None:
    monkeypatch.chdir(project)
    pytester.makepyfile(test_other="def test_passes(): pass")
    pytester.makeini("[pytest]\ntestpaths = .\n")

    assert [] == collected(pytester, *([word] if word else []))


@pytest.mark.parametrize(("arguments", "expected"), [
    (["db/migrations"], []),
    (["db"], []),
    (["--pgcontract"], []),
    (["--pgcontract", "db/migrations"], ["001_note", "002_more"]),
    (["--pgcontract", "db"], ["001_note", "002_more"]),
    (["--pgcontract", "db/migrations/001_note.sql"], ["001_note"]),
], ids=lambda value: " ".join(value))  # fmt: skip
def test_a_folder_without_contracts_is_asked_on_demand(
    pytester: pytest.Pytester, arguments: list[str], expected: list[str]
) -> None:
    folder = bare_folder(pytester)
    (folder / "002_more.sql").write_text("CREATE TABLE public.more (id integer PRIMARY KEY);\n", encoding="utf-8")
    asked = [item for item in collected(pytester, *arguments) if "script.applies" in item]

    assert [f"db/migrations/{key}.sql::script.applies[script]" for key in expected] == asked


def test_a_contract_beside_a_migration_makes_a_project(pytester: pytest.Pytester) -> None:
    folder = bare_folder(pytester, "sql")
    (folder / "001_note.contract.toml").write_text(
        'migration = "001_note.sql"\n[table."public.note"]\ncolumns.id = { type = "integer" }\n', encoding="utf-8"
    )

    item = "db/sql/001_note.contract.toml::column.type[id]"
    assert [item] == [other for other in collected(pytester, "db/sql") if "column.type" in other]


def test_a_folder_of_migrations_that_is_named_in_vain_says_how(pytester: pytest.Pytester) -> None:
    bare_folder(pytester)
    ran = pytester.runpytest_inprocess("db/migrations")

    ran.stdout.fnmatch_lines(["pgcontract: db/migrations holds migrations, and no contract; `pytest --pgcontract*"])
    assert pytest.ExitCode.NO_TESTS_COLLECTED == ran.ret


def bare_folder(pytester: pytest.Pytester, name: str = "migrations") -> Path:
    folder = pytester.mkdir("db") / name
    folder.mkdir()
    (folder / "001_note.sql").write_text("CREATE TABLE public.note (id integer PRIMARY KEY);\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("place", ["contract.toml", "contracts/a/contract.toml", "a/b/contract.toml"])
def test_a_contract_of_somebody_else_is_left_alone(pytester: pytest.Pytester, place: str) -> None:
    file = pytester.path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("this is [no TOML", encoding="utf-8")
    pytester.makepyfile("def test_passes(): pass")
    result = pytester.runpytest_inprocess("--pgcontract")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*pgcontract:*")


def test_a_suite_without_contracts_loads_nothing_of_the_house(pytester: pytest.Pytester) -> None:
    """What takes time is imported by whoever asks for a contract or a database: the start is counted in modules."""
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            names = {name for name in sys.modules if name.startswith("pgcontract")}
            own = {f"pgcontract.pytest_plugin{name}" for name in ("", ".arguments", ".fixtures", ".summary")}
            assert {"pgcontract", *own} == names
            slow = {"psycopg", "hypothesis", "sqlglot", "pydantic", "jinja2", "rich", "click"}
            assert set() == slow & sys.modules.keys()
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
