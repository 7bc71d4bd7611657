"""How a folder of migrations is read: by the layout that recognises it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pgcontract import InputError, load_project
from pgcontract.contract import Execution, Migration, TransactionScope
from pgcontract.contract.layouts import layout_of, layouts
from pgcontract.runner import plan

# A layout that some tool might have: a folder a migration, named by the day, all that is pending in one transaction.
BY_DAY = """
from pgcontract.contract.migration import Execution, Migration, TransactionScope

NAME = "by day"

def recognises(folder):
    return any(folder.glob("*/up.sql"))

def read_folder(folder):
    return tuple(map(read_file, folder.glob("*/up.sql")))

def read_file(path):
    day = path.parent.name
    return Migration(key=day, display_name=day.removeprefix("2026-"), up=path, down_remedy="Write down.sql.",
                     execution=Execution(transaction=TransactionScope.ALL, repeatable=False, role="deployer"))

def order(migrations):
    return tuple(sorted(migrations, key=lambda migration: migration.key))
"""


@pytest.fixture
def by_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is laid out by day, in an installation that has a file for it."""
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "by_day.py").write_text(BY_DAY, encoding="utf-8")
    import pgcontract.contract.layouts

    monkeypatch.setattr(
        pgcontract.contract.layouts, "__path__", [*pgcontract.contract.layouts.__path__, str(tmp_path / "installed")]
    )
    folder = tmp_path / "migrations"
    for day in ("2026-02-01", "2026-01-31"):
        (folder / day).mkdir(parents=True)
        (folder / day / "up.sql").write_text("SELECT 1;", encoding="utf-8")
    layouts.cache_clear()
    yield folder
    layouts.cache_clear()


def test_the_layout_that_takes_any_folder_is_asked_last() -> None:
    assert "flat" == list(layouts())[-1]


def test_any_folder_is_flat(tmp_path: Path) -> None:
    assert "flat" == layout_of(tmp_path).NAME


def test_flat_migration_runs_once_in_a_transaction_of_its_own(tmp_path: Path) -> None:
    up, down = tmp_path / "V020_a.up.sql", tmp_path / "V020_a.down.sql"
    up.touch()
    down.touch()
    expected = Migration(
        key="V020_a",
        display_name="020",
        up=up,
        down=down,
        down_remedy="Write V020_a.down.sql beside it.",
        execution=Execution(transaction=TransactionScope.FILE, repeatable=False, role=None),
    )

    assert (expected,) == layout_of(tmp_path).read_folder(tmp_path)


def test_file_in_the_room_is_a_layout(by_day: Path) -> None:
    assert [("2026-01-31", "01-31"), ("2026-02-01", "02-01")] == [
        (migration.key, migration.display_name) for migration in load_project(by_day).chain
    ]


def test_migration_that_nothing_can_rehearse_yet_is_refused(by_day: Path) -> None:
    with pytest.raises(InputError, match="its tool does not run it once, in a transaction of its own"):
        plan(load_project(by_day))


def test_layout_needs_no_digits_to_find_a_migration(by_day: Path) -> None:
    project = load_project(by_day)

    assert replace(project, chain=project.chain[:1]) == project.through("01-31")
