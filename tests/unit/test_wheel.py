"""What is installed is the package, whole, and nothing beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]


def test_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    source = ROOT / "checks"
    expected = sorted(
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        found = sorted(name for name in archive.namelist() if ".dist-info/" not in name)

    assert expected == found


def test_package_has_types_queries_and_templates_beside_its_code() -> None:
    files = [path for path in (ROOT / "checks").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    found = {path.suffix or path.name for path in files}

    assert {".py", ".typed", ".sql", ".j2"} == found
