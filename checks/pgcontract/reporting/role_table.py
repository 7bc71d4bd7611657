"""What each role reaches: a table for the report, a line for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from markupsafe import Markup

from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import code, fold, table
from pgcontract.result import RoleAccess, Run

MAX_OPEN: Final = 12  # a longer table is folded
_WRITES: Final = frozenset(("INSERT", "UPDATE", "DELETE"))
_COLUMNS: Final = ("what", "anon", "a user: own rows", "a user: other rows", "service_role", "projects")


def role_table(run: Run) -> Markup:
    """Nothing where no role was tried."""
    rows = [
        (
            Markup("{} {}").format(row.form, code(row.name)),
            *(", ".join(one).lower() or "—" for one in (row.anon, row.own, row.others, row.service)),
            f"made {row.project}" if row.project else "all",
        )
        for row in run.access
    ]
    shown = table(_COLUMNS, rows)
    title = f"What each role reached: {role_line(run)}"
    return fold(title, shown, opened=len(rows) <= MAX_OPEN) if rows else Markup("")


def role_line(run: Run) -> str:
    """`of 12 tables and views anon reads 2 and writes 1; a signed-in user reads others' rows in 3 and writes them in
    none`; empty where nobody looked."""
    if not run.access:
        return ""
    names = _count(run.access, lambda row: not _is_function(row))
    reached: dict[str, list[Callable[[RoleAccess], bool]]] = {
        "anon reads {} and writes {}": [lambda row: _reads(row.anon), lambda row: _writes(row.anon)],
        "a signed-in user reads others' rows in {} and writes them in {}": [
            lambda row: _reads(row.others),
            lambda row: _writes(row.others),
        ],
    }
    said = []
    if names:
        of = f"of {names} tables and views" if names > 1 else "of 1 table or view"
        counts = {words: [_count(run.access, holds) for holds in each] for words, each in reached.items()}
        if any(map(any, counts.values())):
            words = (words.format(*(count or "none" for count in each)) for words, each in counts.items())
            said = [f"{of} {'; '.join(words)}"]
        else:
            said = [f"{of} neither anon nor a signed-in user, beside his own rows, reaches any"]
    called = _count(run.access, lambda row: _is_function(row) and bool(row.anon))
    said += [f"anon may call {number(called, 'function')}"] if called else []
    return "; ".join(said) or "anon reaches nothing"


def _reads(operations: Iterable[str]) -> bool:
    return "SELECT" in operations


def _writes(operations: Iterable[str]) -> bool:
    return bool(_WRITES & {*operations})


def _is_function(row: RoleAccess) -> bool:
    return row.form.endswith(("function", "procedure"))


def _count(rows: Iterable[RoleAccess], holds: Callable[[RoleAccess], bool]) -> int:
    """Of how many things it is so, in projects of whatever age."""
    return len({row.name for row in rows if holds(row)})
