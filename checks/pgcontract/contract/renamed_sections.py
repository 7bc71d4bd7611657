"""What a contract declares besides the schema, under the names that things have after a rename."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

from pgcontract.contract.declared_value import DeclaredValue
from pgcontract.contract.inheritance import Declarations
from pgcontract.contract.renamed_texts import moves_with, renamed_path, tables_of_type, tables_with
from pgcontract.contract.sections.datasets import ColumnRows, TableRows
from pgcontract.contract.sections.state_machines import StateMachine
from pgcontract.model.identifiers import quote_identifier
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.renamed_text import renamed_text
from pgcontract.model.sql.renames import Rename
from pgcontract.values import dataclass

V = TypeVar("V", bound=DeclaredValue)

_PATHS: Final = ("column", "table", "index")
_TEXTS: Final = ("sql", "violations", "setup", "expression", "present_when")
_BARE_COLUMNS: Final = ("not_before", "other")  # of the same table


@dataclass(frozen=True, kw_only=True)
class _At:
    """A rename, the other tables that have a column of that name, those whose values have a label that is renamed, and
    the indexes that move to another schema."""

    rename: Rename
    others: Collection[str]
    of_type: Collection[str]
    moved: Collection[str]


def renamed_section(section: V, rename: Rename, before: Declarations) -> V:
    """The same declaration after a rename; `before` is what was declared right before it."""
    at = _At(
        rename=rename,
        others=tables_with(before, rename),
        of_type=tables_of_type(before, str(rename.old.parent)) if rename.kind == "label" else (),
        moved=moves_with(before, rename),
    )
    return _renamed(section, at, "")


def _renamed(value: V, at: _At, table: str) -> V:
    """`table` is the one that the value is of."""
    if column := getattr(value, "column", None):
        table = str(QualifiedName.parse(column).parent)
    elif isinstance(value, TableRows):
        table = value.name
    elif "table" in type(value).model_fields:
        table = str(getattr(value, "table", ""))
    says = {name: getattr(value, name) for name in type(value).model_fields if name not in ("path", "origin")}
    says |= value.model_extra or {}
    changed = {name: _renamed_field(value, name, said, at, table) for name, said in says.items()}
    if isinstance(value, StateMachine) and at.rename.kind == "label" and table in at.of_type:
        changed |= {name: _with_label(changed[name], at.rename) for name in _STATES}
    update = {name: new for name, new in changed.items() if new is not says[name] and new != says[name]}
    return value.model_copy(update=update) if update else value


def _renamed_field(value: DeclaredValue, name: str, said: Any, at: _At, table: str) -> Any:
    rename = at.rename
    own = table == str(rename.old.parent) if rename.kind == "column" else _is_of_type(table, said, at)
    match said:
        case str() if name in _PATHS or (name == "name" and isinstance(value, TableRows)):
            return _index(said, at) if name == "index" else renamed_path(said, rename)
        case str() if name in _BARE_COLUMNS or (name == "name" and isinstance(value, ColumnRows)):
            return rename.new.name if rename.kind == "column" and own and said == rename.old.name else said
        case str() if name in _TEXTS:
            return renamed_text(said, rename, own=own, others=at.others, output=name == "sql")
        case DeclaredValue():
            return _renamed(said, at, table)
        case tuple() if name in _TEXTS:
            return tuple(renamed_text(one, rename, own=own, others=at.others) for one in said)
        case tuple():
            return tuple(_renamed(one, at, table) if isinstance(one, DeclaredValue) else one for one in said)
        case Mapping() if name == "set_":
            return {state: _set_columns(columns, at, own) for state, columns in said.items()}
    return said


def _is_of_type(table: str, said: object, at: _At) -> bool:
    """Whether a text is about values of the enum: it is of a table that has some, or speaks of one."""
    bare = (QualifiedName.parse(name).name for name in at.of_type)
    return table in at.of_type or (isinstance(said, str) and any(name in said for name in bare))


def _set_columns(columns: Mapping[str, str], at: _At, own: bool) -> dict[str, str]:
    old, new = quote_identifier(at.rename.old.name), quote_identifier(at.rename.new.name)
    moved = own and at.rename.kind == "column"
    return {
        new if moved and column == old else column: renamed_text(text, at.rename, own=own, others=at.others)
        for column, text in columns.items()
    }


def _index(name: str, at: _At) -> str:
    """An index is called as the constraint that it backs, and lies in its table's schema."""
    rename = at.rename
    if name in at.moved:
        return str(QualifiedName.parse(name).in_schema(rename.new.schema))
    if rename.kind == "constraint" and QualifiedName.parse(name) == rename.old.parent.with_name(rename.old.name):
        return str(rename.old.parent.with_name(rename.new.name))
    return renamed_path(name, rename)


_STATES: Final = ("listed_states", "initial", "transitions", "unspecified", "listed_final", "set_")


def _with_label(value: Any, rename: Rename) -> Any:
    match value:
        case str():
            return rename.new.name if value == rename.old.name else value
        case tuple():
            return tuple(_with_label(one, rename) for one in value)
        case Mapping():
            named = {_with_label(state, rename): moves for state, moves in value.items()}
            return {
                state: _with_label(moves, rename) if isinstance(moves, tuple) else moves for state, moves in named.items()
            }
    return value
