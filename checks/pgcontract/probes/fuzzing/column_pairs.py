"""A format of two columns (a timestamp, and the one it must not precede): each pair is tried by a real INSERT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from psycopg import sql

from pgcontract.contract import ColumnFormat
from pgcontract.errors import CouldNotAsk
from pgcontract.probes.cached_facts import cached_fact
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing.format_writes import FormatValues, FormatWrites, try_format_writes
from pgcontract.probes.fuzzing.hypothesis_draws import draw_examples
from pgcontract.probes.row_generation.made_row import made_row
from pgcontract.probes.rows.probe_row import ProbeRow
from pgcontract.probes.rows.write_trials import Trial, prepare_trials, try_writes
from pgcontract.probes.sample_rows import as_text
from pgcontract.values import dataclass

ValuePair: TypeAlias = "tuple[str | None, str | None]"

_MEANT: Final = 6  # pairs that are meant, one of which must go in
_ALONE: Final = 40  # values of one of the two columns, the other being left as it is
_REASONS: Final = 12  # reasons not to be meant, of each the shortest pair
_KINDS: Final = ("near_misses", "valid", "hostile")


@dataclass(frozen=True, kw_only=True)
class WrongPair:
    """A pair that the table accepted or refused wrongly, why, and the INSERT that shows it."""

    pair: ValuePair
    reason: str
    insert: str


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """What a table answered to `tried` distinct pairs; of the wrong ones the shortest for each reason."""

    tried: int
    accepted_wrongly: tuple[WrongPair, ...]
    refused_wrongly: tuple[WrongPair, ...]


def has_pair_values(declared: ColumnFormat) -> bool:
    """Whether the format's values are of two columns."""
    return any(not isinstance(known.value, str) for known in declared.meaning.corpus())


@cached_fact
def probe_pairs(context: Context, declared: ColumnFormat) -> PairResult:
    """Known pairs and drawn ones, each inserted with the sample row and rolled back.

    CouldNotAsk where one of the two columns is not there.
    """
    table, column, other = _pair_columns(context, declared)
    column_format = declared.meaning
    accepted: dict[str, WrongPair] = {}
    refused: dict[str, WrongPair] = {}
    pairs = _pairs(context, declared)
    made = made_row(context, table)
    row = ProbeRow(table=table, row={name: as_text(value) for name, value in made.values.items()})
    inserts = [row.insert({column: sql.Literal(one), other: sql.Literal(two)}) for one, two in pairs]
    with context.sandbox.rolled_back(context.after_state) as connection:
        made.insert_parents(connection)
        prepare_trials(connection)
        results = try_writes(connection, [Trial(writes=(insert,), look=()) for insert in inserts])
    for pair, insert, result in zip(pairs, inserts, results, strict=True):
        why_not, refusal = column_format.why_not(pair), result.refusal
        if refusal is None and why_not is not None:
            _keep_shortest(accepted, pair, why_not, insert)
        elif refusal is not None and why_not is None:
            _keep_shortest(refused, pair, " ".join(filter(None, (refusal.sqlstate, refusal.constraint))), insert)
    return PairResult(
        tried=len(pairs), accepted_wrongly=tuple(accepted.values()), refused_wrongly=tuple(refused.values())
    )


@cached_fact
def probe_pair_writes(context: Context, declared: ColumnFormat) -> FormatWrites:
    """What else than an INSERT could bring in a pair that is not meant: the shortest for each reason. CouldNotAsk as
    above, and where no pair that is meant goes in."""
    table, column, other = _pair_columns(context, declared)
    column_format = declared.meaning
    meant: list[ValuePair] = []
    not_meant: dict[str, ValuePair] = {}
    for pair in sorted(_pairs(context, declared), key=lambda pair: len(describe_pair(pair))):
        reason = column_format.why_not(pair)
        if reason is None:
            meant.append(pair)
        else:
            not_meant.setdefault(reason, pair)
    # Beyond infinity there is no later time, so that nothing could be wrong of it.
    whole = [pair for pair in meant if None not in pair and not any("infinity" in str(text) for text in pair)]
    values = FormatValues(
        table=table,
        columns=(column, other),
        meant=(*whole[:_MEANT], *meant[:_MEANT]),
        not_meant=tuple(not_meant.values())[:_REASONS],
        alone=tuple(dict.fromkeys(text for pair in _pairs(context, declared) for text in pair if text))[:_ALONE],
    )
    return try_format_writes(context, values, column_format)


def _pair_columns(context: Context, declared: ColumnFormat) -> tuple[str, str, str]:
    column = next((candidate for candidate in context.after.columns if candidate.name == declared.column), None)
    if column is None:
        raise CouldNotAsk(f"the column {declared.column} does not exist")
    other = str(declared.parameters.get("other", ""))
    bare = [candidate.bare_name for candidate in context.after.columns if candidate.table == column.table]
    if other not in bare:
        raise CouldNotAsk(f"{column.table} has no column {other}, which {declared.column} is compared with")
    return column.table, column.bare_name, other


def _pairs(context: Context, declared: ColumnFormat) -> tuple[ValuePair, ...]:
    """Each pair once, known ones first; none that leaves out a value which its column must have."""
    column_format = declared.meaning
    pairs: dict[ValuePair, None] = dict.fromkeys(known.value for known in column_format.corpus())
    examples = context.promise.examples // len(_KINDS)
    for kind in _KINDS:
        seed = f"{context.promise.seed}/{declared.name}/{kind}"
        pairs |= dict.fromkeys(draw_examples(getattr(column_format, kind)(), seed=seed, examples=examples))
    table, *columns = _pair_columns(context, declared)
    nullable = {column.bare_name: column.null for column in context.after.columns if column.table == table}
    return tuple(
        pair
        for pair in pairs
        if all(value is not None or nullable[column] for value, column in zip(pair, columns, strict=True))
        and not any("\0" in value for value in pair if value is not None)
    )


def _keep_shortest(issues: dict[str, WrongPair], pair: ValuePair, reason: str, insert: sql.Composed) -> None:
    kept, text = issues.get(reason), f"{insert.as_string()};"
    if kept is None or len(text) < len(kept.insert):
        issues[reason] = WrongPair(pair=pair, reason=reason, insert=text)


def describe_pair(pair: Iterable[str | None]) -> str:
    """`2026-01-04 11:00:00+00, 2026-01-04 12:00:00+00`; a NULL as (null)."""
    return ", ".join("(null)" if value is None else value for value in pair)
