"""What is installed is the package, whole, and nothing beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "checks"
CASES = ROOT / "tests" / "cases"


def sources() -> list[Path]:
    """Every file of the package, without what tools leave beside it."""
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()]
    return sorted(path for path in files if not any(part[0] == "." or part == "__pycache__" for part in path.parts))


def examples() -> list[Path]:
    """What `pgcontract explain` shows, as it is installed."""
    return [Path("pgcontract/cases") / path.name for path in CASES.iterdir()]


def test_wheel_holds_the_package_its_examples_and_nothing_else(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        actual = sorted(Path(name) for name in archive.namelist() if ".dist-info/" not in name)

    assert sorted([*sources(), *examples()]) == actual


def test_package_has_types_queries_and_templates_beside_its_code() -> None:
    assert {".py", ".typed", ".sql", ".j2", ".toml"} == {path.suffix for path in sources()}
