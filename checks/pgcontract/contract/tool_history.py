"""What a tool keeps of the migrations that it has applied, and what it does where the folder does not agree with that.

Each layout says it of its own tool, as `HISTORY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from pgcontract.contract.migration import Migration
from pgcontract.values import dataclass

Row = Mapping[str, str]


class Late(Enum):
    """What a tool does with a file that sorts before one that it has applied."""

    RUNS = "runs it behind those"
    REFUSED = "stops there"
    SKIPPED = "never runs it"
    UNKNOWN = "is not known"


def by_version(row: Row, migration: Migration) -> bool:
    """The row's `version` is the number in front of the migration's name, with zeros in front or without."""
    return whole_number(row["version"]) == whole_number(migration.display_name)


def every_row(rows: Sequence[Row]) -> Sequence[Row]:
    """All of them count."""
    return rows


def none(_migration: Migration) -> bool:
    """No migration."""
    return False


def _no_failure(_row: Row) -> str:
    return ""


def _no_checksum(_row: Row, _migration: Migration) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class ToolHistory:
    """The `table` with its `columns`, the first of which is always needed; no table where the tool keeps none.

    `names` tells whether a row is a migration's, `covers` whether the migration is applied as the row says, where that is
    more. `in_force` leaves out rows that later ones took back, or that name none; `failed` is why a row's migration did
    not end, "" where it did; `agrees`, whether what the row keeps of the file is so still. `order` is what rows are read
    by. `late` is what is done with a file that comes too late, but for one that `may_be_late`; where it `compares`, the
    tool stops at one that has changed, by its `blanks` too; where it `misses`, at one that is gone.
    `resets` on one that has changed: it asks
    to make a developer's database anew. `keeps_last`: the table holds the last version alone, so that one which failed
    `covers` those before it.
    """

    table: str = ""
    columns: tuple[str, ...] = ()
    order: str = "1"
    names: Callable[[Row, Migration], bool] = by_version
    covers: Callable[[Row, Migration], bool] | None = None
    in_force: Callable[[Sequence[Row]], Sequence[Row]] = every_row
    failed: Callable[[Row], str] = _no_failure
    agrees: Callable[[Row, Migration], bool] = _no_checksum
    late: Late = Late.UNKNOWN
    may_be_late: Callable[[Migration], bool] = none
    compares: bool = False
    blanks: bool = True
    misses: bool = False
    resets: bool = False
    keeps_last: bool = False

    @property
    def minds_edits(self) -> bool:
        """Whether an applied file must stay as it is, comments included."""
        return self.compares or self.resets

    @property
    def select(self) -> str:
        """What reads it, for psql or a web editor; a name without a schema is looked for along the search_path."""
        return f"SELECT {', '.join(self.columns)} FROM {self.table} ORDER BY {self.order};"  # noqa: S608 - our own words


def history_of(layout: object) -> ToolHistory:
    """What a layout says; one that a plug-in brings may say nothing."""
    return getattr(layout, "HISTORY", ToolHistory())


def is_true(word: str) -> bool:
    """A boolean as psql, CSV and JSON spell it."""
    return word.lower() in ("t", "true", "1", "yes")


def whole_number(word: str) -> str:
    """A number without zeros in front; another word as it is."""
    return str(int(word)) if word.isdecimal() else word
