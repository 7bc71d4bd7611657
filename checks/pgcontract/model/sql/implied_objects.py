"""Adds tables and indexes to the catalog under the names that PostgreSQL generates, those of their children too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pgcontract.model.identifiers import name_addition
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.table_elements import ColumnElement, ConstraintElement, LikeElement, TableElement
from pgcontract.model.sql.text_catalog import TextCatalog

_LABELS = {"primary key": "pkey", "unique": "key", "exclude": "excl", "check": "check", "foreign key": "fkey"}
_KEYS = ("primary key", "unique", "exclude")
# PostgreSQL names a new table's constraints in this order, whatever their order in the text.
_ORDER = ("check", "primary key", "unique", "exclude", "foreign key")


def add_elements(catalog: TextCatalog, table: QualifiedName, elements: list[TableElement]) -> None:
    """Records a new table's columns, sequences and constraints."""
    columns = [element for element in elements if isinstance(element, ColumnElement)]
    likes = [element for element in elements if isinstance(element, LikeElement)]
    for column in columns:
        _add_sequence(catalog, table, column)
    for element in elements:
        if isinstance(element, ColumnElement):
            catalog.create("column", table.member(element.name), element.offset, table=table)
        elif isinstance(element, LikeElement):
            _copy_columns(catalog, table, element)
    written = [element for element in elements if isinstance(element, ConstraintElement)]
    for constraint in _in_naming_order(
        [*(column_constraint for column in columns for column_constraint in column.constraints), *written]
    ):
        add_constraint(catalog, table, constraint)
    for like in likes:
        if like.includes("INDEXES"):
            _copy_indexes(catalog, like.table, table, like.offset)


def add_column(catalog: TextCatalog, table: QualifiedName, column: ColumnElement, *, if_not_exists: bool = False) -> None:
    """Records one more column with its constraints, in the table's children too."""
    if if_not_exists and column.name in catalog.columns(table):
        return
    _add_sequence(catalog, table, column)
    for member in _table_and_descendants(catalog, table):
        catalog.create("column", member.member(column.name), column.offset, table=member, if_not_exists=if_not_exists)
    for constraint in _in_naming_order(column.constraints):
        add_constraint(catalog, table, constraint)


def add_identity(catalog: TextCatalog, table: QualifiedName, column: ColumnElement) -> None:
    """Records the sequence that ADD GENERATED AS IDENTITY gives to a column."""
    _add_sequence(catalog, table, column)


def add_constraint(catalog: TextCatalog, table: QualifiedName, constraint: ConstraintElement) -> None:
    """Records a constraint under its own or PostgreSQL's name, in the table's children too."""
    form, name = constraint.form, constraint.name
    if form not in _LABELS:
        return
    if constraint.index:
        # The index becomes the constraint's, and takes its name.
        dropped = catalog.drop("index", str(constraint.index))
        name = name or constraint.index.name
        constraint = replace(constraint, columns=dropped[0].columns, keys=dropped[0].keys) if dropped else constraint
    label, extra = _LABELS[form], "" if form == "primary key" else name_addition(constraint.keys)
    if name is None and form in _KEYS:
        name = catalog.relation_name(table, extra, label, key=True)
    elif name is None:
        name = catalog.constraint_name(table, extra, label)
    path = table.member(name)
    catalog.create(
        "constraint",
        path,
        constraint.offset,
        form=form,
        table=table,
        columns=constraint.columns,
        keys=constraint.keys,
        inherited=constraint.inherited,
    )
    descendants = catalog.heirs if form == "check" else catalog.partitions
    children = descendants[table] if constraint.inherited or form != "check" else []
    for child in children:
        add_constraint(catalog, child, replace(constraint, name=None if form in _KEYS else name, index=None))


def add_index(
    catalog: TextCatalog,
    table: QualifiedName,
    name: str | None,
    offset: int,
    *,
    columns: tuple[str, ...],
    keys: tuple[str, ...],
    only: bool = False,
    if_not_exists: bool = False,
) -> None:
    """Records an index under its own or PostgreSQL's name, and on every partition under PostgreSQL's."""
    path = table.with_name(name or catalog.relation_name(table, name_addition(keys), "idx"))
    index = catalog.create("index", path, offset, table=table, columns=columns, keys=keys, if_not_exists=if_not_exists)
    for partition in catalog.partitions[table] if index and not only else ():
        add_index(catalog, partition, None, offset, columns=columns, keys=keys)


def add_child(catalog: TextCatalog, parent: QualifiedName, child: QualifiedName, *, partition: bool) -> None:
    """Gives a table what it has from its parent: columns and checks; a partition keys and indexes too."""
    catalog.heirs[parent].append(child)
    own_columns = set(catalog.columns(child))
    for name in catalog.columns(parent):
        if name not in own_columns:
            catalog.create("column", child.member(name), table=child)
    for part in catalog.parts(parent, "constraint"):
        if part.form == "check" and part.inherited:
            catalog.create("constraint", child.member(part.path.name), form="check", table=child, columns=part.columns)
    if not partition:
        return
    catalog.partitions[parent].append(child)
    _copy_indexes(catalog, parent, child, 0)
    for part in catalog.parts(parent, "constraint"):
        if part.form == "foreign key":
            catalog.create("constraint", child.member(part.path.name), form=part.form, table=child, columns=part.columns)


def _add_sequence(catalog: TextCatalog, table: QualifiedName, column: ColumnElement) -> None:
    if column.generator:
        path = column.sequence or table.with_name(catalog.relation_name(table, column.name, "seq"))
        catalog.create("sequence", path, column.offset, table=table, columns=(column.name,), form=column.generator)


def _copy_columns(catalog: TextCatalog, table: QualifiedName, like: LikeElement) -> None:
    columns = catalog.columns(like.table)
    if not columns:
        catalog.mark_unread(f"LIKE copies {like.table}, whose columns this text does not make", like.offset)
    for name in columns:
        catalog.create("column", table.member(name), like.offset, table=table)
    for part in catalog.parts(like.table, "sequence"):
        if part.form == "identity" and like.includes("IDENTITY"):
            column = ColumnElement(name=part.columns[0], offset=like.offset, generator="identity")
            _add_sequence(catalog, table, column)
    for part in catalog.parts(like.table, "constraint"):
        if part.form == "check" and like.includes("CONSTRAINTS"):
            path = table.member(part.path.name)
            catalog.create("constraint", path, like.offset, form="check", table=table, columns=part.columns)
    if like.includes("COMMENTS") or like.includes("STATISTICS"):
        catalog.mark_unread(f"LIKE copies comments and statistics of {like.table}", like.offset)


def _copy_indexes(catalog: TextCatalog, source: QualifiedName, table: QualifiedName, offset: int) -> None:
    """Gives a table the keys and indexes of another, under names of its own."""
    for key in catalog.parts(source, "constraint"):
        if key.form in _KEYS:
            constraint = ConstraintElement(form=key.form, columns=key.columns, keys=key.keys, offset=offset)
            add_constraint(catalog, table, constraint)
    for index in catalog.parts(source, "index"):
        add_index(catalog, table, None, offset, columns=index.columns, keys=index.keys)


def _in_naming_order(constraints: Iterable[ConstraintElement]) -> list[ConstraintElement]:
    """In the order PostgreSQL names them; a key on the very columns of an earlier one is no second index."""
    distinct: list[ConstraintElement] = []
    keys: dict[tuple[str, ...], int] = {}
    for constraint in sorted(
        (ordered_constraint for ordered_constraint in constraints if ordered_constraint.form in _ORDER),
        key=lambda c: _ORDER.index(c.form),
    ):
        if constraint.form in ("primary key", "unique"):
            earlier = keys.setdefault(constraint.keys, len(distinct))
            if earlier < len(distinct):
                distinct[earlier] = replace(distinct[earlier], name=distinct[earlier].name or constraint.name)
                continue
        distinct.append(constraint)
    return distinct


def _table_and_descendants(catalog: TextCatalog, table: QualifiedName) -> Iterator[QualifiedName]:
    yield table
    for child in catalog.heirs[table]:
        yield from _table_and_descendants(catalog, child)
