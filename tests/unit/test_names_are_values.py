"""QualifiedName alone takes names apart: text that is cut at dots does not know of a quoted name with a dot in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pgcontract

PACKAGE = Path(pgcontract.__file__).parent
CUTS = {"split", "rsplit", "partition", "rpartition"}
# What is cut at dots there and is no name of SQL.
DOTTED = {
    "contract/flyway_settings.py": "settings of Flyway",
    "formats/email/address_strategies.py": "domains",
    "formats/email/domain.py": "domains and IP addresses",
    "formats/url.py": "versions of IP literals",
    "plugins.py": "packages of Python",
    "postgres/missing_features.py": "locales",
    "postgres/providers/major.py": "versions of PostgreSQL",
    "postgres/providers/prebuilt.py": "versions of PostgreSQL",
    "probes/executed/faults.py": "names in the server's words, which it does not quote",
    "result/check_info.py": "ids of checks",
    "rules/performance/write_time.py": "a flow and its step",
    "runner/missing.py": "names in the server's words, which it does not quote",
}
IDENTIFIERS = "model/identifiers.py"


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def cuts_at_a_dot(node: ast.AST) -> bool:
    """`text.split(".")`, `text.removeprefix("public.")`, `text.removeprefix(f"{table}.")`, `re.split(r"\\.", text)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    argument = node.args[0]
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[-1]
    if isinstance(argument, ast.BinOp):
        argument = argument.right
    cut = argument.value if isinstance(argument, ast.Constant) else None
    if node.func.attr in CUTS:
        return cut in (".", r"\.")
    return node.func.attr == "removeprefix" and isinstance(cut, str) and cut.endswith(".")


def calls_of(function: str, module: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == function:
            yield node


def test_only_what_is_no_name_is_cut_at_dots() -> None:
    assert set(DOTTED) == {path for path, module in modules() if any(map(cuts_at_a_dot, ast.walk(module)))}


def test_only_one_place_gives_psycopg_a_name_of_several_parts() -> None:
    actual = {
        path
        for path, module in modules()
        for call in calls_of("Identifier", module)
        if len(call.args) > 1 or any(isinstance(argument, ast.Starred) for argument in call.args)
    }

    assert set() == actual


def test_only_one_place_doubles_the_quotes_of_an_identifier() -> None:
    actual = {
        path
        for path, module in modules()
        for call in calls_of("replace", module)
        if [argument.value for argument in call.args if isinstance(argument, ast.Constant)] in (['"', '""'], ['""', '"'])
    }

    assert {IDENTIFIERS} == actual
