"""What production has, as its tool's own table says: pasted from wherever it was asked, or read from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pgcontract.contract.layouts import Layout
from pgcontract.contract.migration import Migration
from pgcontract.contract.pasted_table import read_pasted_table
from pgcontract.contract.tool_history import Row, ToolHistory, history_of
from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes
from pgcontract.values import dataclass

DSN: Final = "dsn:"


@dataclass(frozen=True, kw_only=True)
class AppliedHistory:
    """The keys of what is `applied`; of those, which files are `altered` since; `gone` is what the table names and the
    folder lacks, `failed` why a migration did not end, by its name in the table. `source` is where it was read."""

    source: str
    table: str
    applied: frozenset[str]
    altered: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def read_history(source: str, layout: Layout, migrations: Sequence[Migration]) -> AppliedHistory:
    """The table of the layout's tool, from a file with what its SELECT answers, or from `dsn:URL`. Raises InputError
    where the tool keeps none, where it cannot be read, and where it is no such table."""
    tool = table_of(layout)
    if source.startswith(DSN):
        from pgcontract.postgres.history_table import read_history_table

        shown = "the database"
        rows: tuple[Row, ...] = read_history_table(source.removeprefix(DSN), tool.table, tool.columns, tool.order)
    else:
        shown = source
        rows = _rows_of(Path(source), tool, layout.NAME)
    first = tool.columns[0]
    for row in rows:
        if first not in row:
            raise InputError(
                f"has no column {first}, by which {layout.NAME} knows what is applied; paste what this answers: "
                f"{tool.select}",
                file=None if source.startswith(DSN) else source,
            )
    try:
        return _conclude(shown, tool, tool.in_force(rows), migrations)
    except ValueError:
        raise InputError(
            f"has a value in {first} that is none of {layout.NAME}'s; paste what this answers: {tool.select}",
            file=None if source.startswith(DSN) else source,
        ) from None


def table_of(layout: Layout) -> ToolHistory:
    """What its tool keeps. Raises InputError where no tool is known that would run the folder."""
    tool = history_of(layout)
    if not tool.table:
        raise InputError(
            f"no tool is known to run this folder ({layout.NAME}), so there is no table of what is applied; give the "
            "last migration with --applied ID, or name the tool with --layout"
        )
    return tool


def _rows_of(path: Path, tool: ToolHistory, name: str) -> tuple[Row, ...]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            "there is no such file; --history takes one with what `pgcontract history` asks for, or dsn:URL",
            file=str(path),
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check its permissions", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text; save it as UTF-8", file=str(path)) from None
    try:
        return read_pasted_table(text, tool.columns)
    except ValueError as error:
        raise InputError(f"{error}; paste what this answers for {name}: {tool.select}", file=str(path)) from None


def _conclude(source: str, tool: ToolHistory, rows: Sequence[Row], migrations: Sequence[Migration]) -> AppliedHistory:
    covers = tool.covers or tool.names
    failed = [(row, why) for row in rows if (why := tool.failed(row))]
    ended = [row for row in rows if not tool.failed(row)]
    covering = rows if tool.keeps_last else ended
    named = {id(row): [each for each in migrations if tool.names(row, each)] for row in rows}
    altered = [migration.key for row in ended for migration in named[id(row)] if not tool.agrees(row, migration)]
    return AppliedHistory(
        source=source,
        table=tool.table,
        applied=frozenset(each.key for each in migrations if any(covers(row, each) for row in covering)),
        altered=tuple(dict.fromkeys(altered)),
        gone=tuple(_called(row, tool) for row in rows if not named[id(row)] and not _is_of_no_file(row)),
        failed=tuple((_called(row, tool, named[id(row)]), why) for row, why in failed),
    )


def _is_of_no_file(row: Row) -> bool:
    return row.get("type", "").upper() == "BASELINE"


def _called(row: Row, tool: ToolHistory, migrations: Sequence[Migration] = ()) -> str:
    """What people call it: the migration's file, else what stands in the row."""
    if migrations:
        return migrations[0].file
    return next((row[name] for name in tool.columns if row.get(name)), "a row without a name")
