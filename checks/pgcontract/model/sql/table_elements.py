"""The elements of a table's definition, as written: columns, constraints, LIKE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.index_keys import index_keys, possible_columns
from pgcontract.model.sql.text_catalog import TextCatalog
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import is_serial, read_type
from pgcontract.values import dataclass

_TABLE_CONSTRAINTS = ("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "EXCLUDE", "FOREIGN")
_COLUMN_CONSTRAINTS = (
    *("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES", "GENERATED", "NOT", "NULL", "DEFAULT"),
    *("COLLATE", "STORAGE", "COMPRESSION", "OPTIONS", "WITH"),
)
_FORMS = {
    "CHECK": "check",
    "UNIQUE": "unique",
    "PRIMARY": "primary key",
    "REFERENCES": "foreign key",
    "FOREIGN": "foreign key",
    "EXCLUDE": "exclude",
}


@dataclass(frozen=True, kw_only=True)
class ConstraintElement:
    """A constraint: `columns` it stands on, `keys` what PostgreSQL would build its name from.

    `index` is the one that USING INDEX turns into the constraint; `inherited` is False for NO INHERIT.
    """

    form: str
    offset: int
    name: str | None = None
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    inherited: bool = True
    index: QualifiedName | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnElement:
    """A column; `generator` is serial or identity where it makes a sequence, which may have a name of its own."""

    name: str
    offset: int
    generator: str = ""
    sequence: QualifiedName | None = None
    constraints: tuple[ConstraintElement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LikeElement:
    """LIKE another table, with what it says to include."""

    table: QualifiedName
    offset: int
    including: frozenset[str]

    def includes(self, what: str) -> bool:
        return what in self.including


TableElement = ColumnElement | ConstraintElement | LikeElement

_ALL_INCLUDED = frozenset(
    {"CONSTRAINTS", "IDENTITY", "INDEXES", "COMMENTS", "STATISTICS", "DEFAULTS", "GENERATED", "STORAGE"}
)


def read_elements(body: Cursor, catalog: TextCatalog, known: Iterable[str] = ()) -> list[TableElement]:
    """The elements between a definition's parentheses; `known` are columns the table has besides."""
    elements = [_read_element(part, catalog) for part in body.parts() if part]
    names = {*known, *(element.name for element in elements if isinstance(element, ColumnElement))}
    for element in elements:
        if isinstance(element, LikeElement):
            names.update(catalog.columns(element.table))
    return [_resolve_element(element, names) for element in elements]


def read_column(cursor: Cursor, catalog: TextCatalog, known: Iterable[str]) -> ColumnElement:
    """One column's definition, as in ADD COLUMN."""
    column = _read_column_element(cursor, catalog)
    return _resolve_column(column, {*known, column.name})


def read_constraint(cursor: Cursor, catalog: TextCatalog, known: Iterable[str]) -> ConstraintElement:
    """One table constraint, as in ADD CONSTRAINT."""
    return _resolve_constraint(_read_table_constraint(cursor, catalog), set(known))


def is_constraint(cursor: Cursor) -> bool:
    """Whether a table constraint stands here: a column may not be named as one begins."""
    return cursor.peek() in _TABLE_CONSTRAINTS


def _read_element(part: Cursor, catalog: TextCatalog) -> TableElement:
    if part.peek() == "LIKE":
        return _read_like(part, catalog)
    return _read_table_constraint(part, catalog) if is_constraint(part) else _read_column_element(part, catalog)


def _read_like(part: Cursor, catalog: TextCatalog) -> LikeElement:
    offset = part.next().offset
    table = catalog.existing_path(part.path(), "table", "view")
    including: frozenset[str] = frozenset()
    while part:
        word, what = part.next().upper, part.next().upper
        options = _ALL_INCLUDED if what == "ALL" else {what}
        including = including | options if word == "INCLUDING" else including - options
    return LikeElement(table=table, offset=offset, including=including)


def _read_column_element(part: Cursor, catalog: TextCatalog) -> ColumnElement:
    offset, name = part.offset, part.name()
    generator, sequence = "serial" if is_serial(part) else "", None
    if part and part.peek() not in _COLUMN_CONSTRAINTS:
        # Only partitions and tables of a type give columns without one.
        read_type(part, str)
    constraints: list[ConstraintElement] = []
    constraint_name: str | None = None
    start: int | None = None
    while word := part.seek(*_COLUMN_CONSTRAINTS):
        cursor = part.offset if start is None else start
        part.next()
        if word == "CONSTRAINT":
            constraint_name, start = part.name(), cursor
            continue
        columns = possible_columns(part.group().tokens) if word == "CHECK" else (name,)
        if word == "GENERATED" and part.seek("AS") and part.consume("AS", "IDENTITY"):
            generator, sequence = "identity", _sequence_name(part, catalog)
        elif form := _FORMS.get(word):
            inherited = not part.consume("NO", "INHERIT")
            constraints.append(
                ConstraintElement(
                    form=form, name=constraint_name, columns=columns, keys=(name,), offset=cursor, inherited=inherited
                )
            )
        elif word in ("DEFAULT", "NOT", "COLLATE"):
            part.skip()
        constraint_name = start = None
    return ColumnElement(name=name, offset=offset, generator=generator, sequence=sequence, constraints=tuple(constraints))


def _sequence_name(part: Cursor, catalog: TextCatalog) -> QualifiedName | None:
    """The name in AS IDENTITY (SEQUENCE NAME …)."""
    if part.peek() != "(":
        return None
    options = part.group()
    options.seek("SEQUENCE")
    return catalog.new_path(options.path()) if options.consume("SEQUENCE", "NAME") else None


def _read_table_constraint(part: Cursor, catalog: TextCatalog) -> ConstraintElement:
    offset = part.offset
    name = part.name() if part.consume("CONSTRAINT") else None
    word = part.next().upper
    if word == "NOT":
        # A name for NOT NULL: the catalog has it since 18, and it says nothing that the column does not.
        return ConstraintElement(form="not null", name=name, offset=offset)
    form = _FORMS.get(word)
    if form is None:
        raise Unreadable(f"{word[:20]!r} stands where a constraint was expected")
    if form == "check":
        columns = possible_columns(part.group().tokens)
        return ConstraintElement(form=form, name=name, columns=columns, offset=offset, inherited=part.seek("NO") != "NO")
    part.consume("KEY")
    part.consume("NULLS", "NOT", "DISTINCT")
    part.consume("NULLS", "DISTINCT")
    if form != "exclude" and part.consume("USING", "INDEX"):
        return ConstraintElement(form=form, name=name, offset=offset, index=catalog.existing_path(part.path(), "index"))
    if part.consume("USING"):
        part.name()
    elements = list(part.group().parts())
    if form != "foreign key" and part.consume("INCLUDE"):
        elements += part.group().parts()
    columns = tuple(name for element in elements for name in possible_columns(element.tokens))
    return ConstraintElement(form=form, name=name, columns=columns, keys=index_keys(elements), offset=offset)


def _resolve_element(element: TableElement, known: set[str]) -> TableElement:
    match element:
        case ColumnElement():
            return _resolve_column(element, known)
        case ConstraintElement():
            return _resolve_constraint(element, known)
        case LikeElement():
            return element


def _resolve_column(column: ColumnElement, known: set[str]) -> ColumnElement:
    return replace(column, constraints=tuple(_resolve_constraint(constraint, known) for constraint in column.constraints))


def _resolve_constraint(constraint: ConstraintElement, known: set[str]) -> ConstraintElement:
    """Keeps of the names mentioned those that are columns; a check of one column is named after it."""
    columns = tuple(name for name in constraint.columns if name in known)
    keys = (columns if len(columns) == 1 else ()) if constraint.form == "check" else constraint.keys
    return replace(constraint, columns=columns, keys=keys)
