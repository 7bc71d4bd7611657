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
@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--pgcontract-pg", "weel"], "*unknown server 'weel'*did you mean 'wheel'?*"),
        (["--pgcontract-only", "colum.type"], "*'colum.type' selects no check*column.type*"),
        (["--pgcontract-through", "7"], "*no migration is called '7'*"),
        (["--pgcontract-report", "pyproject.toml/reports"], "*report folder*cannot be written*"),
    ],
    ids=["server", "check", "migration", "folder"],
)
def test_a_mistaken_option_is_told_before_a_server_starts(
    pytester: pytest.Pytester, option: list[str], message: str
) -> None:
    pytester.makepyprojecttoml("")
    result = pytester.runpytest_inprocess("schema", *option)

    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert pytest.ExitCode.INTERRUPTED == result.ret


@pytest.mark.parametrize("place", ["contract.toml", "contracts/a/contract.toml", "a/b/contract.toml"])
def test_a_contract_of_somebody_else_is_left_alone(pytester: pytest.Pytester, place: str) -> None:
    file = pytester.path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("this is [no TOML", encoding="utf-8")
    pytester.makepyfile("def test_passes(): pass")
    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*pgcontract:*")


def test_a_suite_without_contracts_loads_nothing_of_the_house(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            names = {name for name in sys.modules if name.startswith("pgcontract")}
            assert {"pgcontract", "pgcontract.pytest_plugin", "pgcontract.pytest_plugin.summary"} == names
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
