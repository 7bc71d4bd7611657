"""The roads of ARCHITECTURE.md run one way."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pgcontract

PACKAGE = Path(pgcontract.__file__).parent
ORDER = (
    *("values", "patterns", "errors", "plugins", "model", "result", "formats"),
    *("catalog", "postgres", "contract"),
    *("probes", "performance", "rules", "runner"),
    *("drafting", "reporting", "pytest_plugin", "cli"),
)
ENTRANCES = {"__init__", "__main__"}
PURE = {"values", "patterns", "errors", "model", "result"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in it, by its absolute name."""
    package = ".".join(("pgcontract", *path.relative_to(PACKAGE).parent.parts))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from [f"pgcontract.{alias.name}" for alias in node.names] if source == "pgcontract" else [source]


@cache
def roads() -> tuple[tuple[Path, str], ...]:
    return tuple((path, module) for path in sorted(PACKAGE.rglob("*.py")) for module in imported(path))


def test_every_module_has_a_place_in_the_order() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")}

    assert set() == rooms - set(ORDER) - ENTRANCES


def test_every_module_can_be_imported() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "__main__.py":
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            importlib.import_module(".".join(parts).removesuffix(".__init__"))


def test_modules_import_only_from_what_comes_before_them() -> None:
    actual = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path, module in roads()
        if module.startswith("pgcontract.")
        and (room := room_of(path)) in ORDER
        and (target := module.split(".")[1]) in ORDER
        and ORDER.index(target) > ORDER.index(room)
    ]

    assert [] == actual


def test_values_and_their_comparison_import_nothing_of_the_world() -> None:
    world = {"psycopg", "pytest", "time", "datetime", "random", "os", "subprocess", "click", "rich"}
    actual = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path, module in roads()
        if room_of(path) in PURE and module.split(".")[0] in world
    ]

    assert [] == actual


def test_nothing_inside_imports_the_public_api() -> None:
    actual = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path, module in roads()
        if module.removeprefix("pgcontract.") in {"pgcontract", *pgcontract.__all__}
    ]

    assert [] == actual
