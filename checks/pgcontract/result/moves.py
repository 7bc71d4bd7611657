"""Moves between states as evidence shows them: the table that a rule writes, and a reader that draws it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pgcontract.result.finding import Evidence
from pgcontract.values import dataclass

FROM: Final = "from"
TO: Final = "to "
ACCEPTED: Final = "accepted"
WRONG: Final = " (WRONG)"
UNJUDGED_COLUMNS: Final = ("transition", "why", "result")
ARROW: Final = " → "


@dataclass(frozen=True, kw_only=True)
class Move:
    """From one state to another: whether the server took it, whether that is not as declared, and why it is not judged,
    where it is not."""

    source: str
    target: str
    accepted: bool
    wrong: bool
    unjudged: str = ""


def moves_in(evidence: Iterable[Evidence]) -> tuple[Move, ...]:
    """The moves that a finding's evidence shows, but for those from a state to itself; none where no table has any."""
    tables = tuple(evidence)
    unjudged = {
        row[0]: row[1] for table in tables if table.columns == UNJUDGED_COLUMNS for row in table.rows if len(row) > 1
    }
    for table in tables:
        if table.columns[:1] == (FROM,) and len(table.columns) > 1 and all(map(_is_target, table.columns[1:])):
            return tuple(
                Move(
                    source=source,
                    target=column.removeprefix(TO),
                    accepted=cell.startswith(ACCEPTED),
                    wrong=cell.endswith(WRONG),
                    unjudged=unjudged.get(f"{source}{ARROW}{column.removeprefix(TO)}", ""),
                )
                for source, *cells in table.rows
                for column, cell in zip(table.columns[1:], cells, strict=False)
                if source != column.removeprefix(TO)
            )
    return ()


def _is_target(column: str) -> bool:
    return column.startswith(TO)
