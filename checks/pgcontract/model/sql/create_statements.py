"""Reads the head of every CREATE: which object, by which name, and of a table all that it holds."""

from __future__ import annotations

from collections.abc import Callable

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.implied_objects import add_child, add_constraint, add_elements, add_index
from pgcontract.model.sql.index_keys import index_keys, possible_columns
from pgcontract.model.sql.sqlglot_reading import output_columns
from pgcontract.model.sql.table_elements import ConstraintElement, read_elements
from pgcontract.model.sql.text_catalog import TextCatalog
from pgcontract.model.sql.token_cursor import Cursor, Unreadable
from pgcontract.model.sql.type_names import TypeLookup, input_types
from pgcontract.values import dataclass

_PREFIXES = ("TEMP", "TEMPORARY", "LOCAL", "GLOBAL", "UNLOGGED", "FOREIGN", "UNIQUE", "RECURSIVE", "MATERIALIZED")
# Objects of kind "other" that have a unique name: the words in front of it, what pg_identify_object calls them, and
# whether they live in a schema.
_OTHER_OBJECTS = {
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
class CreateHead:
    """What stands between CREATE and the name."""

    prefixes: frozenset[str]
    text: str

    @property
    def temporary(self) -> bool:
        return not self.prefixes.isdisjoint({"TEMP", "TEMPORARY"})


def read_create(cursor: Cursor, catalog: TextCatalog, text: str) -> None:
    """Records what a CREATE statement makes; `text` is the whole statement."""
    cursor.consume("OR", "REPLACE")
    prefixes: set[str] = set()
    for words, (called, in_schema) in _OTHER_OBJECTS.items():
        if cursor.consume(*words):
            if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
            path = catalog.new_path(cursor.path()) if in_schema else cursor.path()
            catalog.create("other", path, prefix=f"{called} ", if_not_exists=if_not_exists)
            return
    while word := cursor.consume_any(*_PREFIXES):
        prefixes.add(word)
    head = CreateHead(prefixes=frozenset(prefixes), text=text)
    word = cursor.next().upper
    if word in ("EVENT", "CONSTRAINT"):
        word = f"{word} {cursor.next().upper}"
    reader = _READERS.get(word)
    if reader:
        reader(cursor, catalog, head)
    elif word in _OF_CLUSTER:
        catalog.create("role", cursor.path()) if cursor.peek() != "MAPPING" else catalog.mark_unread(
            "CREATE USER MAPPING has no name"
        )
    else:
        catalog.mark_unread(f"CREATE {word} is known by more than a name, which this reader does not spell")


def _read_table(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    path = cursor.path()
    if head.temporary or path.schema.startswith("pg_temp"):
        catalog.temporary.add(path.name)
        return
    table = catalog.new_path(path)
    parent = catalog.existing_path(cursor.path(), "table") if cursor.consume("PARTITION", "OF") else None
    if not catalog.create("table", table, if_not_exists=if_not_exists):
        return
    if parent:
        body = cursor.group() if cursor.peek() == "(" else None
        _read_partition(catalog, parent, table, body)
        return
    if cursor.consume("OF"):
        catalog.mark_unread(f"the columns of {table} come from a type")
        return
    body = cursor.group() if cursor.peek() == "(" else Cursor(())
    if cursor.seek("AS", "INHERITS") == "AS":
        cursor.next()
        add_query_columns(catalog, table, head.text[cursor.offset :], body)
        return
    parents = (
        [catalog.existing_path(parent_path, "table") for parent_path in cursor.group().paths()]
        if cursor.consume("INHERITS")
        else []
    )
    known = [name for parent_table in parents for name in catalog.columns(parent_table)]
    add_elements(catalog, table, read_elements(body, catalog, known))
    for parent_table in parents:
        add_child(catalog, parent_table, table, partition=False)
        _mark_inherited_unread(catalog, parent_table, table)


def _read_partition(catalog: TextCatalog, parent: QualifiedName, table: QualifiedName, body: Cursor | None) -> None:
    add_child(catalog, parent, table, partition=True)
    _mark_inherited_unread(catalog, parent, table)
    if body:
        known = catalog.columns(parent)
        for element in read_elements(body, catalog, known):
            constraints = (element,) if isinstance(element, ConstraintElement) else getattr(element, "constraints", ())
            for constraint in constraints:
                add_constraint(catalog, table, constraint)


def _mark_inherited_unread(catalog: TextCatalog, parent: QualifiedName, table: QualifiedName) -> None:
    if not catalog.columns(parent):
        catalog.mark_unread(f"what {table} has from {parent} stands in no statement of this text")


def add_query_columns(catalog: TextCatalog, table: QualifiedName, query: str, declared_names: Cursor) -> None:
    """Records the columns that a view or table has from a query, under the names given first."""
    renamed = tuple(path.name for path in declared_names.paths()) if declared_names else ()
    names = output_columns(query, catalog)
    if names is None and not renamed:
        catalog.mark_unread(f"the columns of {table} are those of a query")
    for name in (*renamed, *(names or ())[len(renamed) :]):
        catalog.create("column", table.member(name), table=table)


def _read_index(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    cursor.consume("CONCURRENTLY")
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    name = cursor.path().name if cursor.peek() != "ON" else None
    if not cursor.consume("ON"):
        raise Unreadable("no table follows the index's name")
    only = cursor.consume("ONLY")
    path = cursor.path()
    if catalog.is_temporary(path):
        return
    table = catalog.existing_path(path, "table", "view")
    if cursor.consume("USING"):
        cursor.name()
    elements = list(cursor.group().parts())
    if cursor.consume("INCLUDE"):
        elements += cursor.group().parts()
    known = catalog.columns(table)
    words = [token for element in elements for token in element.tokens] + list(cursor.tokens[cursor.position :])
    add_index(
        catalog,
        table,
        name,
        0,
        columns=tuple(name for name in possible_columns(words) if name in known),
        keys=index_keys(elements),
        only=only,
        if_not_exists=if_not_exists,
    )


def _read_view(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    path = cursor.path()
    if head.temporary:
        catalog.temporary.add(path.name)
        return
    view = catalog.new_path(path)
    if catalog.create("view", view, if_not_exists=if_not_exists):
        column_list = cursor.group() if cursor.peek() == "(" else Cursor(())
        cursor.seek("AS")
        cursor.consume("AS")
        add_query_columns(catalog, view, head.text[cursor.offset :], column_list)


def _read_sequence(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    path = cursor.path()
    if head.temporary:
        catalog.temporary.add(path.name)
        return
    owner: QualifiedName | None = None
    columns: tuple[str, ...] = ()
    if cursor.seek("OWNED") and cursor.consume("OWNED", "BY") and cursor.peek() != "NONE":
        column = cursor.column()
        owner = catalog.existing_path(column.parent, "table")
        columns = (column.name,)
    catalog.create("sequence", catalog.new_path(path), if_not_exists=if_not_exists, table=owner, columns=columns)


def _read_schema(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    name = cursor.name() if cursor.peek() != "AUTHORIZATION" else None
    if cursor.consume("AUTHORIZATION"):
        owner = cursor.name()
        name = name or owner
    assert name is not None
    catalog.create("schema", QualifiedName.of(name), if_not_exists=if_not_exists)
    outside = catalog.search_path
    catalog.search_path = (name, *outside)
    try:
        while cursor.seek("CREATE"):
            first = cursor.position + 1
            cursor.next()
            cursor.seek("CREATE", "GRANT")
            read_create(Cursor(cursor.tokens[first : cursor.position]), catalog, head.text)
    finally:
        catalog.search_path = outside


def _read_extension(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    catalog.create("extension", cursor.path(), if_not_exists=if_not_exists)


def _read_type(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    catalog.create("type", catalog.new_path(cursor.path()))


def _read_domain(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    domain = catalog.new_path(cursor.path())
    catalog.create("type", domain)
    name: str | None = None
    start: int | None = None
    while word := cursor.seek("CONSTRAINT", "CHECK", "NOT", "NULL"):
        offset = cursor.offset if start is None else start
        cursor.next()
        if word == "CONSTRAINT":
            name, start = cursor.name(), offset
            continue
        if word == "CHECK":
            add_constraint(catalog, domain, ConstraintElement(form="check", name=name, offset=offset))
        name = start = None


def _read_function(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    path = catalog.new_path(cursor.path())
    arguments = cursor.group()
    types = input_types(arguments, type_lookup(catalog))
    catalog.create("function", path.with_arguments(types))


def _read_aggregate(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    path = catalog.new_path(cursor.path())
    arguments = cursor.group()
    if cursor.peek() != "(":
        raise Unreadable("an aggregate in the old style names its argument within its options")
    types = input_types(Cursor([token for token in arguments.tokens if token.upper != "ORDER"]), type_lookup(catalog))
    catalog.create("function", path.with_arguments(types))


def _read_trigger(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    name = cursor.name()
    cursor.seek("ON")
    cursor.consume("ON")
    path = cursor.path()
    if not catalog.is_temporary(path):
        table = catalog.existing_path(path, "table", "view")
        catalog.create("trigger", table.member(name), table=table)


def _read_event_trigger(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    catalog.create("event_trigger", QualifiedName.of(cursor.name()))


def _read_policy(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    name = cursor.name()
    cursor.consume("ON")
    table = catalog.existing_path(cursor.path(), "table")
    catalog.create("policy", table.member(name), table=table)


def _read_rule(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    name = cursor.name()
    cursor.seek("TO")
    cursor.consume("TO")
    table = catalog.existing_path(cursor.path(), "table", "view")
    catalog.create("rule", table.member(name), table=table)


def _read_publication(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    catalog.create("publication", QualifiedName.of(cursor.name()))


def _read_statistics(cursor: Cursor, catalog: TextCatalog, head: CreateHead) -> None:
    if_not_exists = cursor.consume("IF", "NOT", "EXISTS")
    if cursor.peek() in ("(", "ON"):
        raise Unreadable("statistics without a name, as PostgreSQL 16 allows")
    path = cursor.path()
    cursor.seek("FROM")
    cursor.consume("FROM")
    table = catalog.existing_path(cursor.path(), "table")
    catalog.create("statistics", catalog.new_path(path), if_not_exists=if_not_exists, table=table)


def type_lookup(catalog: TextCatalog) -> TypeLookup:
    """Spells a type that is not PostgreSQL's own: a type, domain or table on the search path."""

    def spelled(path: QualifiedName) -> str:
        return str(catalog.existing_path(path, "type", "table", "view"))

    return spelled


_READERS: dict[str, Callable[[Cursor, TextCatalog, CreateHead], None]] = {
    "TABLE": _read_table,
    "INDEX": _read_index,
    "VIEW": _read_view,
    "SEQUENCE": _read_sequence,
    "SCHEMA": _read_schema,
    "EXTENSION": _read_extension,
    "TYPE": _read_type,
    "DOMAIN": _read_domain,
    "FUNCTION": _read_function,
    "PROCEDURE": _read_function,
    "AGGREGATE": _read_aggregate,
    "TRIGGER": _read_trigger,
    "CONSTRAINT TRIGGER": _read_trigger,
    "EVENT TRIGGER": _read_event_trigger,
    "POLICY": _read_policy,
    "RULE": _read_rule,
    "PUBLICATION": _read_publication,
    "STATISTICS": _read_statistics,
}
