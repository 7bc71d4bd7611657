"""`<digits>_<name>.sql` in one folder, each with its rollback script `<digits>_<name>.down.sql` beside it.

A script may end in .up.sql too, as golang-migrate's do.

Each file runs once, in a transaction of its own, as whoever connects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pgcontract.contract.migration import Execution, Migration, TransactionScope
from pgcontract.errors import InputError
from pgcontract.model.input_file import is_there

NAME: Final = "flat"

_EXECUTION: Final = Execution(transaction=TransactionScope.FILE, repeatable=False)
_UP: Final = ".sql"
_DOWN: Final = ".down.sql"
_DIGITS: Final = re.compile(r"[Vv]?(\d+)")


def recognises(folder: Path) -> bool:
    """Any folder: what no other layout takes is looked through for .sql files."""
    return True


def read_folder(folder: Path) -> tuple[Migration, ...]:
    """Every .sql file that is no rollback script, by file name."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == _UP and not path.is_dir())
    except OSError as error:
        raise InputError(f"is no folder to read migrations from: {error.strerror}", file=str(folder)) from None
    migrations = tuple(_migration(file) for file in files if not file.name.endswith(_DOWN))
    if not migrations:
        raise InputError("holds no migration; one is a file called <digits>_<name>.sql", file=str(folder))
    return migrations


def read_file(path: Path) -> Migration:
    """A .sql file that is no rollback script."""
    if path.suffix != _UP or path.name.endswith(_DOWN):
        what = "is a rollback script; name the migration it belongs to" if path.suffix == _UP else "is no .sql file"
        raise InputError(what, file=str(path))
    return _migration(path)


def order(migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """By their digits, as a number. Raises InputError for one of several without any, and for two with the same."""
    if len(migrations) == 1:
        return tuple(migrations)
    by_number: dict[int, Migration] = {}
    for migration in migrations:
        if not migration.display_name.isdecimal():
            raise InputError(
                "has no digits in front, so its place among the other migrations is not known; "
                "name it <digits>_<name>.sql, or give its contract `after`",
                file=str(migration.up),
            )
        number = int(migration.display_name)
        if number in by_number:
            raise InputError(
                f"has the digits of {by_number[number].file}, so their order is not known; "
                "rename one, or give its contract `after`",
                file=str(migration.up),
            )
        by_number[number] = migration
    return tuple(by_number[number] for number in sorted(by_number))


def _migration(path: Path) -> Migration:
    """Its key is the file name without its ending, its display name the digits in front, else the key."""
    key = path.name.removesuffix(_UP).removesuffix(".up")
    digits = _DIGITS.match(key)
    down = path.with_name(f"{key}{_DOWN}")
    return Migration(
        key=key,
        display_name=digits[1] if digits else key,
        up=path,
        down=down if is_there(down) else None,
        down_remedy=f"Write {down.name} beside it.",
        execution=_EXECUTION,
    )
