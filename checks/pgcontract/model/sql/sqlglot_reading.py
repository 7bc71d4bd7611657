"""What sqlglot can say of a statement: a second opinion on tables, and the only one on queries."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from pgcontract.model.identifiers import read_identifier, truncate_name
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.lexer import tokens
from pgcontract.model.sql.text_catalog import TextCatalog

if TYPE_CHECKING:
    from sqlglot.expressions import Expr, Identifier

    Tree = Expr

MAX_CHARACTERS = 50_000
_MAX_STEPS_PER_TOKEN = 100

_WITH_DATA = re.compile(r"\bWITH\s+(NO\s+)?DATA\s*$", re.IGNORECASE)
# Functions of PostgreSQL that create no object; the effect of any other is unknown.
_SIDE_EFFECT_FREE = re.compile(
    r"(pg_|json|array_|to_|has_|txid_|string_|regexp_|quote_)\w+|set_config|setval|nextval|currval|lastval|version"
    r"|clock_timestamp|statement_timestamp|gen_random_uuid|obj_description|col_description|format_type"
)
# Schemas of PostgreSQL's own functions.
_SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")


def parse(sql: str) -> Expr | None:
    """The statement as a tree; None where sqlglot refuses it, gives up on it (a Command), or would take too long."""
    if len(sql) > MAX_CHARACTERS:
        return None
    glot = _sqlglot()
    try:
        dialect = glot.Dialect.get_or_raise("postgres")
        words = dialect.tokenize(sql)
        parser = dialect.parser()
        parser._advance = _bounded(parser._advance, _MAX_STEPS_PER_TOKEN * (len(words) + 1))
        trees = parser.parse(words, sql)
    except (glot.errors.SqlglotError, RecursionError, ValueError, TypeError, LookupError, AttributeError):
        return None
    return None if len(trees) != 1 or isinstance(trees[0], glot.exp.Command) else trees[0]


def _bounded(advance: Callable[[int], None], steps: int) -> Callable[[int], None]:
    """The parser's step from token to token, so many times at most: it goes back and tries again twice for each bracket
    within a bracket, so that ARRAY[ARRAY[… of twenty takes it minutes, and of forty years."""
    left = steps

    def bounded(times: int = 1) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise LookupError("too many steps")
        advance(times)

    return bounded


def output_columns(query: str | Expr, catalog: TextCatalog) -> tuple[str, ...] | None:
    """The names of a query's columns; None where one is not in the text, or `*` reaches beyond the script."""
    exp = _sqlglot().exp
    tree = parse(_WITH_DATA.sub("", query)) if isinstance(query, str) else query
    if not isinstance(tree, exp.Query):
        return None
    names: list[str] = []
    for select in tree.selects:
        if isinstance(select, exp.Star):
            names += (columns := _single_table_columns(tree, catalog))
            if not columns:
                return None
            continue
        named = select.args.get("alias") if isinstance(select, exp.Alias) else select.this
        if not isinstance(select, (exp.Alias, exp.Column)) or not isinstance(named, exp.Identifier):
            return None
        names.append(_folded_name(named))
    return tuple(names) or None


def _single_table_columns(tree: Expr, catalog: TextCatalog) -> tuple[str, ...]:
    """The columns of the one table that a query reads, if it is one and the script made it."""
    exp = _sqlglot().exp
    source = tree.args.get("from_") or tree.args.get("from")
    if source is None or tree.args.get("joins") or not isinstance(source.this, exp.Table):
        return ()
    path = tuple(_folded_name(part) for part in source.this.parts if isinstance(part, exp.Identifier))
    return catalog.columns(catalog.existing_path(QualifiedName(path), "table", "view")) if path else ()


def select_into_target(tree: Expr) -> QualifiedName | None:
    """The table that SELECT … INTO makes, as written; None where none, or a temporary one."""
    target = tree.args.get("into")
    if target is None or target.args.get("temporary"):
        return None
    return QualifiedName(tuple(_folded_name(part) for part in target.this.parts))


def set_search_path(tree: Expr) -> tuple[str, ...]:
    """The schemas of SELECT set_config('search_path', '…', …), as pg_dump writes it; empty where it is not that."""
    exp = _sqlglot().exp
    for call in tree.find_all(exp.Anonymous):
        texts = [expression.this for expression in call.expressions[:2] if isinstance(expression, exp.Literal)]
        if call.name.lower() == "set_config" and len(texts) == 2 and texts[0].lower() == "search_path":
            return tuple(token.name for token in tokens(texts[1]) if token.text != ",")
    return ()


def unknown_calls(tree: Expr) -> tuple[str, ...]:
    """The functions that a query calls and that are not known to make nothing, in order."""
    exp = _sqlglot().exp
    names: dict[str, None] = {}
    for call in tree.find_all(exp.Anonymous):
        function = QualifiedName((*_qualifier(call), call.name.lower()))
        harmless = function.schema in _SYSTEM_SCHEMAS if function.schema else _SIDE_EFFECT_FREE.fullmatch(function.name)
        if not harmless:
            names[str(function)] = None
    return tuple(names)


def defined_columns(tree: Expr) -> frozenset[str] | None:
    """The columns that a CREATE TABLE defines; None where it is not one with a list of them."""
    exp = _sqlglot().exp
    if not (isinstance(tree, exp.Create) and tree.kind == "TABLE" and isinstance(tree.this, exp.Schema)):
        return None
    if tree.expression is not None or tree.find(exp.PartitionedOfProperty):
        return None
    return frozenset(
        _folded_name(expression.this) for expression in tree.this.expressions if isinstance(expression, exp.ColumnDef)
    )


def _qualifier(call: Expr) -> tuple[str, ...]:
    exp = _sqlglot().exp
    dot = call.parent
    if isinstance(dot, exp.Dot) and dot.expression is call and isinstance(dot.this, exp.Identifier):
        return (_folded_name(dot.this),)
    return ()


def _folded_name(identifier: Identifier) -> str:
    text = str(identifier.this)
    return truncate_name(text if identifier.args.get("quoted") else read_identifier(text))


def _sqlglot() -> ModuleType:
    """sqlglot, imported where it is first needed; what it would warn of is reported as unread instead.

    Not kept: a host such as pytester drops and imports modules anew, and two sqlglots do not know each other's trees.
    """
    import sqlglot

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    return sqlglot
