"""Writes tables and indexes into the ledger under the names that PostgreSQL gives them, their children's too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pgcontract.model.sql.identifiers import addition, dotted
from pgcontract.model.sql.table_elements import Column, Constraint, Element, Like
from pgcontract.model.sql.text_catalog import Ledger, Path

_LABELS = {"primary key": "pkey", "unique": "key", "exclude": "excl", "check": "check", "foreign key": "fkey"}
_KEYS = ("primary key", "unique", "exclude")
# PostgreSQL names a new table's constraints in this order, whatever their order in the text.
_ORDER = ("check", "primary key", "unique", "exclude", "foreign key")


def add_elements(ledger: Ledger, table: Path, elements: list[Element]) -> None:
    """Writes down a new table's columns, sequences and constraints."""
    columns = [each for each in elements if isinstance(each, Column)]
    likes = [each for each in elements if isinstance(each, Like)]
    for column in columns:
        _add_sequence(ledger, table, column)
    for each in elements:
        if isinstance(each, Column):
            ledger.create("column", (*table, each.name), each.offset, table=table)
        elif isinstance(each, Like):
            _copy_columns(ledger, table, each)
    written = [each for each in elements if isinstance(each, Constraint)]
    for constraint in _in_order([*(each for column in columns for each in column.constraints), *written]):
        add_constraint(ledger, table, constraint)
    for like in likes:
        if like.includes("INDEXES"):
            _copy_indexes(ledger, like.table, table, like.offset)


def add_column(ledger: Ledger, table: Path, column: Column, *, if_not_exists: bool = False) -> None:
    """Writes down one more column with its constraints, in the table's children too."""
    if if_not_exists and column.name in ledger.columns(table):
        return
    _add_sequence(ledger, table, column)
    for each in _family(ledger, table):
        ledger.create("column", (*each, column.name), column.offset, table=each, if_not_exists=if_not_exists)
    for constraint in _in_order(column.constraints):
        add_constraint(ledger, table, constraint)


def add_identity(ledger: Ledger, table: Path, column: Column) -> None:
    """Writes down the sequence that ADD GENERATED AS IDENTITY gives to a column."""
    _add_sequence(ledger, table, column)


def add_constraint(ledger: Ledger, table: Path, constraint: Constraint) -> None:
    """Writes down a constraint under its own or PostgreSQL's name, in the table's children too."""
    form, name = constraint.form, constraint.name
    if form not in _LABELS:
        return
    if constraint.index:
        # The index becomes the constraint's, and takes its name.
        gone = ledger.drop("index", dotted(*constraint.index))
        name = name or constraint.index[-1]
        constraint = replace(constraint, columns=gone[0].columns, keys=gone[0].keys) if gone else constraint
    label, extra = _LABELS[form], "" if form == "primary key" else addition(constraint.keys)
    if name is None and form in _KEYS:
        name = ledger.relation_name(table, extra, label, key=True)
    elif name is None:
        name = ledger.constraint_name(table, extra, label)
    path = (*table, name)
    ledger.create(
        "constraint",
        path,
        constraint.offset,
        form=form,
        table=table,
        columns=constraint.columns,
        keys=constraint.keys,
        inherited=constraint.inherited,
    )
    if form == "check":
        children = ledger.heirs[dotted(*table)] if constraint.inherited else []
    else:
        children = ledger.partitions[dotted(*table)]
    for child in children:
        add_constraint(ledger, child, replace(constraint, name=None if form in _KEYS else name, index=None))


def add_index(
    ledger: Ledger,
    table: Path,
    name: str | None,
    offset: int,
    *,
    columns: tuple[str, ...],
    keys: tuple[str, ...],
    only: bool = False,
    if_not_exists: bool = False,
) -> None:
    """Writes down an index under its own or PostgreSQL's name, and on every partition under PostgreSQL's."""
    path = table[0], name or ledger.relation_name(table, addition(keys), "idx")
    made = ledger.create("index", path, offset, table=table, columns=columns, keys=keys, if_not_exists=if_not_exists)
    for partition in ledger.partitions[dotted(*table)] if made and not only else ():
        add_index(ledger, partition, None, offset, columns=columns, keys=keys)


def add_child(ledger: Ledger, parent: Path, child: Path, *, partition: bool) -> None:
    """Gives a table what it has from its parent: columns and checks; a partition keys and indexes too."""
    ledger.heirs[dotted(*parent)].append(child)
    mine = set(ledger.columns(child))
    for name in ledger.columns(parent):
        if name not in mine:
            ledger.create("column", (*child, name), table=child)
    for each in ledger.parts(parent, "constraint"):
        if each.form == "check" and each.inherited:
            ledger.create("constraint", (*child, each.path[-1]), form="check", table=child, columns=each.columns)
    if not partition:
        return
    ledger.partitions[dotted(*parent)].append(child)
    _copy_indexes(ledger, parent, child, 0)
    for each in ledger.parts(parent, "constraint"):
        if each.form == "foreign key":
            ledger.create("constraint", (*child, each.path[-1]), form=each.form, table=child, columns=each.columns)


def _add_sequence(ledger: Ledger, table: Path, column: Column) -> None:
    if column.generator:
        path = column.sequence or (table[0], ledger.relation_name(table, column.name, "seq"))
        ledger.create("sequence", path, column.offset, table=table, columns=(column.name,), form=column.generator)


def _copy_columns(ledger: Ledger, table: Path, like: Like) -> None:
    columns = ledger.columns(like.table)
    if not columns:
        ledger.miss(f"LIKE copies {dotted(*like.table)}, whose columns this text does not make", like.offset)
    for name in columns:
        ledger.create("column", (*table, name), like.offset, table=table)
    for each in ledger.parts(like.table, "sequence"):
        if each.form == "identity" and like.includes("IDENTITY"):
            column = Column(name=each.columns[0], offset=like.offset, generator="identity")
            _add_sequence(ledger, table, column)
    for each in ledger.parts(like.table, "constraint"):
        if each.form == "check" and like.includes("CONSTRAINTS"):
            path = (*table, each.path[-1])
            ledger.create("constraint", path, like.offset, form="check", table=table, columns=each.columns)
    if like.includes("COMMENTS") or like.includes("STATISTICS"):
        ledger.miss(f"LIKE copies comments and statistics of {dotted(*like.table)}", like.offset)


def _copy_indexes(ledger: Ledger, source: Path, table: Path, offset: int) -> None:
    """Gives a table the keys and indexes of another, under names of its own."""
    for key in ledger.parts(source, "constraint"):
        if key.form in _KEYS:
            constraint = Constraint(form=key.form, columns=key.columns, keys=key.keys, offset=offset)
            add_constraint(ledger, table, constraint)
    for index in ledger.parts(source, "index"):
        add_index(ledger, table, None, offset, columns=index.columns, keys=index.keys)


def _in_order(constraints: Iterable[Constraint]) -> list[Constraint]:
    """In the order PostgreSQL names them; a key on the very columns of an earlier one is no second index."""
    kept: list[Constraint] = []
    keys: dict[tuple[str, ...], int] = {}
    for each in sorted((each for each in constraints if each.form in _ORDER), key=lambda c: _ORDER.index(c.form)):
        if each.form in ("primary key", "unique"):
            earlier = keys.setdefault(each.keys, len(kept))
            if earlier < len(kept):
                kept[earlier] = replace(kept[earlier], name=kept[earlier].name or each.name)
                continue
        kept.append(each)
    return kept


def _family(ledger: Ledger, table: Path) -> Iterator[Path]:
    yield table
    for child in ledger.heirs[dotted(*table)]:
        yield from _family(ledger, child)
