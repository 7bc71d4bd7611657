"""The elements of a table's definition, as written: columns, constraints, LIKE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pgcontract.model.sql.identifiers import dotted
from pgcontract.model.sql.index_keys import index_keys, mentioned
from pgcontract.model.sql.text_catalog import Ledger, Path
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import is_serial, read_type

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
class Constraint:
    """A constraint: `columns` it stands on, `keys` what PostgreSQL would build its name from.

    `index` is the one that USING INDEX turns into the constraint; `inherited` is False for NO INHERIT.
    """

    form: str
    offset: int
    name: str | None = None
    columns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    inherited: bool = True
    index: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; `generator` is serial or identity where it makes a sequence, which may have a name of its own."""

    name: str
    offset: int
    generator: str = ""
    sequence: Path | None = None
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Like:
    """LIKE another table, with what it says to include."""

    table: Path
    offset: int
    including: frozenset[str]

    def includes(self, what: str) -> bool:
        return what in self.including


Element = Column | Constraint | Like

_ALL = frozenset({"CONSTRAINTS", "IDENTITY", "INDEXES", "COMMENTS", "STATISTICS", "DEFAULTS", "GENERATED", "STORAGE"})


def read_elements(body: Cursor, ledger: Ledger, known: Iterable[str] = ()) -> list[Element]:
    """The elements between a definition's parentheses; `known` are columns the table has besides."""
    elements = [_element(part, ledger) for part in body.parts() if part]
    names = {*known, *(each.name for each in elements if isinstance(each, Column))}
    for each in elements:
        if isinstance(each, Like):
            names.update(ledger.columns(each.table))
    return [_settled(each, names) for each in elements]


def read_column(at: Cursor, ledger: Ledger, known: Iterable[str]) -> Column:
    """One column's definition, as in ADD COLUMN."""
    column = _column(at, ledger)
    return _settled_column(column, {*known, column.name})


def read_constraint(at: Cursor, ledger: Ledger, known: Iterable[str]) -> Constraint:
    """One table constraint, as in ADD CONSTRAINT."""
    return _settled_constraint(_table_constraint(at, ledger), set(known))


def is_constraint(at: Cursor) -> bool:
    """Whether a table constraint stands here: a column may not be named as one begins."""
    return at.peek() in _TABLE_CONSTRAINTS


def _element(part: Cursor, ledger: Ledger) -> Element:
    if part.peek() == "LIKE":
        return _like(part, ledger)
    return _table_constraint(part, ledger) if is_constraint(part) else _column(part, ledger)


def _like(part: Cursor, ledger: Ledger) -> Like:
    offset = part.next().offset
    table = ledger.existing(part.path(), "table", "view")
    including: frozenset[str] = frozenset()
    while part:
        word, what = part.next().upper, part.next().upper
        options = _ALL if what == "ALL" else {what}
        including = including | options if word == "INCLUDING" else including - options
    return Like(table=table, offset=offset, including=including)


def _column(part: Cursor, ledger: Ledger) -> Column:
    offset, name = part.offset, part.name()
    generator, sequence = "serial" if is_serial(part) else "", None
    if part and part.peek() not in _COLUMN_CONSTRAINTS:
        # Only partitions and tables of a type give columns without one.
        read_type(part, lambda path: dotted(*path))
    constraints: list[Constraint] = []
    given: str | None = None
    start: int | None = None
    while word := part.seek(*_COLUMN_CONSTRAINTS):
        at = part.offset if start is None else start
        part.next()
        if word == "CONSTRAINT":
            given, start = part.name(), at
            continue
        columns = mentioned(part.group().tokens) if word == "CHECK" else (name,)
        if word == "GENERATED" and part.seek("AS") and part.takes("AS", "IDENTITY"):
            generator, sequence = "identity", _sequence_name(part, ledger)
        elif form := _FORMS.get(word):
            inherited = not part.takes("NO", "INHERIT")
            constraints.append(
                Constraint(form=form, name=given, columns=columns, keys=(name,), offset=at, inherited=inherited)
            )
        elif word in ("DEFAULT", "NOT", "COLLATE"):
            part.skip()
        given = start = None
    return Column(name=name, offset=offset, generator=generator, sequence=sequence, constraints=tuple(constraints))


def _sequence_name(part: Cursor, ledger: Ledger) -> Path | None:
    """The name in AS IDENTITY (SEQUENCE NAME …)."""
    if part.peek() != "(":
        return None
    options = part.group()
    options.seek("SEQUENCE")
    return ledger.new(options.path()) if options.takes("SEQUENCE", "NAME") else None


def _table_constraint(part: Cursor, ledger: Ledger) -> Constraint:
    offset = part.offset
    name = part.name() if part.takes("CONSTRAINT") else None
    word = part.next().upper
    if word == "NOT":
        # A name for NOT NULL: the catalog has it since 18, and it says nothing that the column does not.
        return Constraint(form="not null", name=name, offset=offset)
    form = _FORMS.get(word)
    if form is None:
        raise Unreadable(f"{word[:20]!r} stands where a constraint was expected")
    if form == "check":
        columns = mentioned(part.group().tokens)
        return Constraint(form=form, name=name, columns=columns, offset=offset, inherited=part.seek("NO") != "NO")
    part.takes("KEY")
    part.takes("NULLS", "NOT", "DISTINCT")
    part.takes("NULLS", "DISTINCT")
    if form != "exclude" and part.takes("USING", "INDEX"):
        return Constraint(form=form, name=name, offset=offset, index=ledger.existing(part.path(), "index"))
    if part.takes("USING"):
        part.name()
    elements = list(part.group().parts())
    if form != "foreign key" and part.takes("INCLUDE"):
        elements += part.group().parts()
    columns = tuple(name for element in elements for name in mentioned(element.tokens))
    return Constraint(form=form, name=name, columns=columns, keys=index_keys(elements), offset=offset)


def _settled(each: Element, known: set[str]) -> Element:
    match each:
        case Column():
            return _settled_column(each, known)
        case Constraint():
            return _settled_constraint(each, known)
        case Like():
            return each


def _settled_column(column: Column, known: set[str]) -> Column:
    return replace(column, constraints=tuple(_settled_constraint(each, known) for each in column.constraints))


def _settled_constraint(constraint: Constraint, known: set[str]) -> Constraint:
    """Keeps of the names mentioned those that are columns; a check of one column is named after it."""
    columns = tuple(name for name in constraint.columns if name in known)
    keys = (columns if len(columns) == 1 else ()) if constraint.form == "check" else constraint.keys
    return replace(constraint, columns=columns, keys=keys)
