"""The objects that the statements read so far have created, dropped and renamed: a catalog built from the text alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field, replace

from pgcontract.model.identifiers import free_generated_name
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.sql.script import Script, place
from pgcontract.model.sql.statement import Statement
from pgcontract.values import dataclass

_RELATIONS = ("table", "view", "sequence", "index")
_OWNERS = ("table", "view", "type", "column")
_KEYS = frozenset({"primary key", "unique", "exclude"})
_HIDDEN_SCHEMAS = frozenset({"$user", "pg_catalog", "pg_temp"})
_DEFAULT_PATH = ("public",)


@dataclass(frozen=True, kw_only=True)
class Created:
    """One object that the text creates; kind and name are spelled as in `model`.

    `line` is that of its statement in `file`, for a column or constraint its own. `table` is the object it belongs to,
    `columns` those it stands on (raw names), `form` its variety (`materialized view`, `check`). For the reader's own
    use are `path`, its name taken apart (empty for a grant), `keys`, what names of copies are made from, and
    `inherited` of a check.
    """

    kind: str
    name: str
    line: int
    form: str = ""
    table: str | None = None
    columns: tuple[str, ...] = ()
    path: QualifiedName = field(default=QualifiedName(()), repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)
    inherited: bool = field(default=True, repr=False)
    file: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A statement, or a part of one, whose effects are not in the text."""

    statement: int
    line: int
    reason: str


class TextCatalog:
    """Follows a script statement by statement; `remaining` are the objects that exist after what was read."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.created: list[Created] = []
        self.unread: list[Unread] = []
        self.remaining: dict[tuple[str, str], Created] = {}
        self._parts: defaultdict[str, dict[tuple[str, str], Created]] = defaultdict(dict)
        self._taken_names: Counter[tuple[str, str, str]] = Counter()
        self.search_path: tuple[str, ...] = _DEFAULT_PATH
        self.temporary: set[str] = set()
        # A parent's later columns and checks reach its children too, and a partitioned table's keys and indexes.
        self.heirs: defaultdict[QualifiedName, list[QualifiedName]] = defaultdict(list)
        self.partitions: defaultdict[QualifiedName, list[QualifiedName]] = defaultdict(list)
        self.statement: Statement = Statement(text="", number=0, offset=0, line=1, column=1, words=())

    def line(self, offset: int) -> int:
        """The file's line of an offset into the current statement."""
        return place(self.script, self.statement.offset + offset).line

    def set_search_path(self, names: Iterable[str] = _DEFAULT_PATH) -> None:
        self.search_path = tuple(name for name in names if name not in _HIDDEN_SCHEMAS) or _DEFAULT_PATH

    def new_path(self, path: QualifiedName) -> QualifiedName:
        """Where an object of this name is made: schema and name."""
        return QualifiedName(path.parts[-2:]) if path.schema else QualifiedName.of(self.search_path[0], path.name)

    def existing_path(self, path: QualifiedName, *kinds: str) -> QualifiedName:
        """Which object a name means: the first on the search path that the script made, else the one made there."""
        if not path.schema:
            for schema in self.search_path:
                candidate = QualifiedName.of(schema, path.name)
                if any((kind, str(candidate)) in self.remaining for kind in kinds or _RELATIONS):
                    return candidate
        return self.new_path(path)

    def is_temporary(self, path: QualifiedName) -> bool:
        return path.schema.startswith("pg_temp") if path.schema else path.name in self.temporary

    def create(
        self,
        kind: str,
        path: QualifiedName,
        offset: int = 0,
        *,
        prefix: str = "",
        if_not_exists: bool = False,
        form: str = "",
        table: QualifiedName | None = None,
        columns: tuple[str, ...] = (),
        keys: tuple[str, ...] = (),
        inherited: bool = True,
    ) -> bool:
        """Writes the object down; False where IF NOT EXISTS meets one that this script made before."""
        created = Created(
            kind=kind,
            name=f"{prefix}{path}",
            line=self.line(offset),
            file=self.statement.path,
            form=form,
            table=str(table) if table else None,
            columns=columns,
            path=path,
            keys=keys,
            inherited=inherited,
        )
        if if_not_exists and (kind, created.name) in self.remaining:
            return False
        self.created.append(created)
        self._add(created)
        return True

    def add_annotation(self, kind: str, name: str, about: tuple[str, str]) -> None:
        """Adds a grant, which is dropped with the object (kind and name) it is on."""
        created = Created(kind=kind, name=name, line=self.statement.line, file=self.statement.path, table=" ".join(about))
        self.created.append(created)
        self._add(created)

    def mark_unread(self, reason: str, offset: int = 0) -> None:
        """Records that the effects of this statement, or of this part of it, are not in the text."""
        self.unread.append(Unread(statement=self.statement.number, line=self.line(offset), reason=reason))

    def drop(self, kind: str, name: str) -> tuple[Created, ...]:
        """The object and all that belonged to it, if the script had made it: from now on they are gone."""
        key = kind, name
        if key not in self.remaining:
            return ()
        dropped = [self._remove(key)]
        for part in (*self._parts[" ".join(key)], *(self._parts[name] if kind in _OWNERS else ())):
            dropped += self.drop(*part)
        return tuple(dropped)

    def drop_column(self, table: QualifiedName, column: str) -> None:
        """Drops the column with the keys, checks and indexes that stand on it, in the table's children too."""
        self.drop("column", str(table.member(column)))
        for key, part in list(self._parts[str(table)].items()):
            if column in part.columns and part.kind in ("constraint", "index", "sequence"):
                self.drop(*key)
        for child in self.heirs[table]:
            self.drop_column(child, column)

    def drop_schema(self, schema: QualifiedName) -> None:
        """Drops the schema and all that the script made in it."""
        self.drop("schema", str(schema))
        for key, part in list(self.remaining.items()):
            if part.path.schema == schema.name:
                self.drop(*key)

    def rename(self, kind: str, old: QualifiedName, new: QualifiedName) -> None:
        """Gives the object, and what is named after it, another name or schema."""
        before, after = str(old), str(new)
        removed = self.drop(kind, before)
        if not removed:
            self.create(kind, new)
        moved = {before: after, f"{kind} {before}": f"{kind} {after}"}
        for part in removed:
            inside = part.path.is_in(old)
            owner = moved.get(part.table or "", part.table)
            if inside:
                name = part.name.replace(before, after, 1)
            else:
                # A grant is named after what it is about; an index or sequence keeps its own name.
                name = part.name if part.path.parts else part.name.replace(part.table or "", owner or "", 1)
            moved[f"{part.kind} {part.name}"] = f"{part.kind} {name}"
            renamed = replace(
                part,
                name=name,
                table=owner,
                path=part.path.moved(old, new) if inside else part.path,
                line=self.statement.line,
            )
            if name != part.name:
                self.created.append(renamed)
            self._add(renamed)
        for family in (self.heirs, self.partitions):
            if children := family.pop(old, None):
                family[new] = children
            for siblings in family.values():
                siblings[:] = [new if sibling == old else sibling for sibling in siblings]

    def columns(self, table: QualifiedName) -> tuple[str, ...]:
        """The raw names of a table's columns, in order."""
        return tuple(part.path.name for part in self.parts(table, "column"))

    def parts(self, table: QualifiedName, kind: str) -> tuple[Created, ...]:
        """What belongs to a table, of one kind, in the order it was made."""
        return tuple(part for part in self._parts[str(table)].values() if part.kind == kind)

    def relation_name(self, table: QualifiedName, name_addition: str, label: str, *, key: bool = False) -> str:
        """The name PostgreSQL gives to a sequence or index; a key's must be free among constraints too."""
        kinds = ("relation", "constraint") if key else ("relation",)
        return free_generated_name(
            table.name,
            name_addition,
            label,
            lambda name: any(self._taken_names[kind, table.schema, name] for kind in kinds),
        )

    def constraint_name(self, table: QualifiedName, name_addition: str, label: str) -> str:
        """The name PostgreSQL gives to a check or foreign key: free within the whole schema."""
        return free_generated_name(
            table.name, name_addition, label, lambda name: self._taken_names["constraint", table.schema, name] > 0
        )

    def _add(self, created: Created) -> None:
        key = created.kind, created.name
        if key in self.remaining:
            self._remove(key)
        self.remaining[key] = created
        if created.table:
            self._parts[created.table][key] = created
        for name in _taken_names(created):
            self._taken_names[name] += 1

    def _remove(self, key: tuple[str, str]) -> Created:
        removed = self.remaining.pop(key)
        if removed.table:
            self._parts[removed.table].pop(key, None)
        for name in _taken_names(removed):
            self._taken_names[name] -= 1
        return removed


def _taken_names(created: Created) -> Iterator[tuple[str, str, str]]:
    """The names this object takes from those that PostgreSQL could still invent."""
    if created.kind == "constraint":
        yield "constraint", created.path.schema, created.path.name
    if created.kind in _RELATIONS or created.form in _KEYS:
        yield "relation", created.path.schema, created.path.name
