"""Reads the head of every CREATE: which object, by which name, and of a table all that it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgcontract.model.sql.identifiers import dotted
from pgcontract.model.sql.implied_objects import add_child, add_constraint, add_elements, add_index
from pgcontract.model.sql.index_keys import index_keys, mentioned
from pgcontract.model.sql.sqlglot_reading import output_columns
from pgcontract.model.sql.table_elements import Constraint, read_elements
from pgcontract.model.sql.text_catalog import Ledger, Path
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import input_types

_PREFIXES = ("TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED", "FOREIGN", "UNIQUE", "RECURSIVE", "MATERIALIZED")
# Objects of kind "other" that a name tells apart: the words in front of it, what pg_identify_object calls them, and
# whether they live in a schema.
_OTHERS = {
    ("COLLATION",): ("collation", True),
    ("CONVERSION",): ("conversion", True),
    ("TEXT", "SEARCH", "CONFIGURATION"): ("text search configuration", True),
    ("TEXT", "SEARCH", "DICTIONARY"): ("text search dictionary", True),
    ("SERVER",): ("server", False),
    ("FOREIGN", "DATA", "WRAPPER"): ("foreign-data wrapper", False),
    ("ACCESS", "METHOD"): ("access method", False),
}
_OF_CLUSTER = ("ROLE", "USER", "GROUP")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands between CREATE and the name."""

    or_replace: bool
    prefixes: frozenset[str]
    text: str

    @property
    def temporary(self) -> bool:
        return not self.prefixes.isdisjoint({"TEMP", "TEMPORARY"})


def read_create(at: Cursor, ledger: Ledger, text: str) -> None:
    """Writes down what a CREATE statement makes; `text` is the whole statement."""
    or_replace = at.takes("OR", "REPLACE")
    prefixes: set[str] = set()
    for words, (called, in_schema) in _OTHERS.items():
        if at.takes(*words):
            if_not_exists = at.takes("IF", "NOT", "EXISTS")
            path = ledger.new(at.path()) if in_schema else at.path()
            ledger.create("other", path, prefix=f"{called} ", if_not_exists=if_not_exists, form=called)
            return
    while word := at.takes_any(*_PREFIXES):
        prefixes.add(word)
    head = Head(or_replace=or_replace, prefixes=frozenset(prefixes), text=text)
    word = at.next().upper
    if word in ("EVENT", "CONSTRAINT"):
        word = f"{word} {at.next().upper}"
    reader = _READERS.get(word)
    if reader:
        reader(at, ledger, head)
    elif word in _OF_CLUSTER:
        ledger.create("role", at.path()) if at.peek() != "MAPPING" else ledger.miss("CREATE USER MAPPING has no name")
    else:
        ledger.miss(f"CREATE {word} is known by more than a name, which this reader does not spell")


def _is_partitioned(at: Cursor) -> bool:
    """Whether PARTITION BY follows; stays where it is."""
    start = at.at
    found = False
    while not found and at.seek("PARTITION"):
        found = at.takes("PARTITION", "BY")
        if not found:
            at.next()
    at.at = start
    return found


def _table(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    path = at.path()
    if head.temporary or path[0].startswith("pg_temp"):
        ledger.temporary.add(path[-1])
        return
    table = ledger.new(path)
    form = "foreign table" if "FOREIGN" in head.prefixes else "table"
    if _is_partitioned(at):
        form = "partitioned table"
    parent = ledger.existing(at.path(), "table") if at.takes("PARTITION", "OF") else None
    if not ledger.create("table", table, if_not_exists=if_not_exists, form=form):
        return
    if parent:
        body = at.group() if at.peek() == "(" else None
        _partition(ledger, parent, table, body)
        return
    if at.takes("OF"):
        ledger.miss(f"the columns of {dotted(*table)} come from a type")
        return
    body = at.group() if at.peek() == "(" else Cursor(())
    if at.seek("AS", "INHERITS") == "AS":
        at.next()
        add_query_columns(ledger, table, head.text[at.offset :], body)
        return
    parents = [ledger.existing(each, "table") for each in at.group().paths()] if at.takes("INHERITS") else []
    known = [name for each in parents for name in ledger.columns(each)]
    add_elements(ledger, table, read_elements(body, ledger, known))
    for each in parents:
        add_child(ledger, each, table, partition=False)
        _tell_missing(ledger, each, table)


def _partition(ledger: Ledger, parent: Path, table: Path, body: Cursor | None) -> None:
    add_child(ledger, parent, table, partition=True)
    _tell_missing(ledger, parent, table)
    if body:
        known = ledger.columns(parent)
        for each in read_elements(body, ledger, known):
            constraints = (each,) if isinstance(each, Constraint) else getattr(each, "constraints", ())
            for constraint in constraints:
                add_constraint(ledger, table, constraint)


def _tell_missing(ledger: Ledger, parent: Path, table: Path) -> None:
    if not ledger.columns(parent):
        ledger.miss(f"what {dotted(*table)} has from {dotted(*parent)} stands in no statement of this text")


def add_query_columns(ledger: Ledger, table: Path, query: str, given: Cursor) -> None:
    """Writes down the columns that a view or table has from a query, under the names given first."""
    renamed = tuple(path[0] for path in given.paths()) if given else ()
    names = output_columns(query, ledger)
    if names is None and not renamed:
        ledger.miss(f"the columns of {dotted(*table)} are those of a query")
    for name in (*renamed, *(names or ())[len(renamed) :]):
        ledger.create("column", (*table, name), table=table)


def _index(at: Cursor, ledger: Ledger, head: Head) -> None:
    at.takes("CONCURRENTLY")
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    name = at.path()[-1] if at.peek() != "ON" else None
    if not at.takes("ON"):
        raise Unreadable("no table follows the index's name")
    only = at.takes("ONLY")
    path = at.path()
    if ledger.is_temporary(path):
        return
    table = ledger.existing(path, "table", "view")
    if at.takes("USING"):
        at.name()
    elements = list(at.group().parts())
    if at.takes("INCLUDE"):
        elements += at.group().parts()
    known = ledger.columns(table)
    words = [token for element in elements for token in element.tokens] + list(at.tokens[at.at :])
    add_index(
        ledger,
        table,
        name,
        0,
        columns=tuple(name for name in mentioned(words) if name in known),
        keys=index_keys(elements),
        only=only,
        if_not_exists=if_not_exists,
    )


def _view(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    path = at.path()
    if head.temporary:
        ledger.temporary.add(path[-1])
        return
    view = ledger.new(path)
    form = "materialized view" if "MATERIALIZED" in head.prefixes else "view"
    if ledger.create("view", view, if_not_exists=if_not_exists, or_replace=head.or_replace, form=form):
        given = at.group() if at.peek() == "(" else Cursor(())
        at.seek("AS")
        at.takes("AS")
        add_query_columns(ledger, view, head.text[at.offset :], given)


def _sequence(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    path = at.path()
    if head.temporary:
        ledger.temporary.add(path[-1])
        return
    owner: Path | None = None
    columns: tuple[str, ...] = ()
    if at.seek("OWNED") and at.takes("OWNED", "BY") and at.peek() != "NONE":
        relation, column = at.column()
        owner = ledger.existing(relation, "table")
        columns = (column,)
    ledger.create("sequence", ledger.new(path), if_not_exists=if_not_exists, table=owner, columns=columns)


def _schema(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    name = at.name() if at.peek() != "AUTHORIZATION" else None
    if at.takes("AUTHORIZATION"):
        owner = at.name()
        name = name or owner
    assert name is not None
    ledger.create("schema", (name,), if_not_exists=if_not_exists)
    outside = ledger.search_path
    ledger.search_path = (name, *outside)
    try:
        while at.seek("CREATE"):
            first = at.at + 1
            at.next()
            at.seek("CREATE", "GRANT")
            read_create(Cursor(at.tokens[first : at.at]), ledger, head.text)
    finally:
        ledger.search_path = outside


def _extension(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    ledger.create("extension", at.path(), if_not_exists=if_not_exists)


def _type(at: Cursor, ledger: Ledger, head: Head) -> None:
    path = ledger.new(at.path())
    form = "base"
    if at.takes("AS"):
        form = {"ENUM": "enum", "RANGE": "range"}.get(at.peek(), "composite")
    ledger.create("type", path, form=form)


def _domain(at: Cursor, ledger: Ledger, head: Head) -> None:
    domain = ledger.new(at.path())
    ledger.create("type", domain, form="domain")
    name: str | None = None
    start: int | None = None
    while word := at.seek("CONSTRAINT", "CHECK", "NOT", "NULL"):
        offset = at.offset if start is None else start
        at.next()
        if word == "CONSTRAINT":
            name, start = at.name(), offset
            continue
        if word == "CHECK":
            add_constraint(ledger, domain, Constraint(form="check", name=name, offset=offset))
        name = start = None


def _function(at: Cursor, ledger: Ledger, head: Head) -> None:
    path = ledger.new(at.path())
    arguments = at.group()
    types = input_types(arguments, type_lookup(ledger))
    ledger.create("function", path, suffix=f"({','.join(types)})", or_replace=head.or_replace)


def _aggregate(at: Cursor, ledger: Ledger, head: Head) -> None:
    path = ledger.new(at.path())
    arguments = at.group()
    if at.peek() != "(":
        raise Unreadable("an aggregate in the old style names its argument within its options")
    types = input_types(Cursor([token for token in arguments.tokens if token.upper != "ORDER"]), type_lookup(ledger))
    ledger.create("function", path, suffix=f"({','.join(types)})", or_replace=head.or_replace, form="aggregate")


def _trigger(at: Cursor, ledger: Ledger, head: Head) -> None:
    name = at.name()
    at.seek("ON")
    at.takes("ON")
    path = at.path()
    if not ledger.is_temporary(path):
        table = ledger.existing(path, "table", "view")
        ledger.create("trigger", (*table, name), table=table, or_replace=head.or_replace)


def _event_trigger(at: Cursor, ledger: Ledger, head: Head) -> None:
    ledger.create("event_trigger", (at.name(),))


def _policy(at: Cursor, ledger: Ledger, head: Head) -> None:
    name = at.name()
    at.takes("ON")
    table = ledger.existing(at.path(), "table")
    ledger.create("policy", (*table, name), table=table)


def _rule(at: Cursor, ledger: Ledger, head: Head) -> None:
    name = at.name()
    at.seek("TO")
    at.takes("TO")
    table = ledger.existing(at.path(), "table", "view")
    ledger.create("rule", (*table, name), table=table, or_replace=head.or_replace)


def _publication(at: Cursor, ledger: Ledger, head: Head) -> None:
    ledger.create("publication", (at.name(),))


def _statistics(at: Cursor, ledger: Ledger, head: Head) -> None:
    if_not_exists = at.takes("IF", "NOT", "EXISTS")
    if at.peek() in ("(", "ON"):
        raise Unreadable("statistics without a name, as PostgreSQL 16 allows")
    path = at.path()
    at.seek("FROM")
    at.takes("FROM")
    table = ledger.existing(at.path(), "table")
    ledger.create("statistics", ledger.new(path), if_not_exists=if_not_exists, table=table)


def type_lookup(ledger: Ledger) -> Callable[[tuple[str, ...]], str]:
    """Spells a type that is not PostgreSQL's own: a type, domain or table on the search path."""

    def spelled(path: tuple[str, ...]) -> str:
        return dotted(*ledger.existing(path, "type", "table", "view"))

    return spelled


_READERS: dict[str, Callable[[Cursor, Ledger, Head], None]] = {
    "TABLE": _table,
    "INDEX": _index,
    "VIEW": _view,
    "SEQUENCE": _sequence,
    "SCHEMA": _schema,
    "EXTENSION": _extension,
    "TYPE": _type,
    "DOMAIN": _domain,
    "FUNCTION": _function,
    "PROCEDURE": _function,
    "AGGREGATE": _aggregate,
    "TRIGGER": _trigger,
    "CONSTRAINT TRIGGER": _trigger,
    "EVENT TRIGGER": _event_trigger,
    "POLICY": _policy,
    "RULE": _rule,
    "PUBLICATION": _publication,
    "STATISTICS": _statistics,
}
