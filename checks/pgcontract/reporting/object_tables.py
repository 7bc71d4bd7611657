"""The tables of the schema sections: one row an object, what is declared of it, what it is for, what shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from markupsafe import Markup

from pgcontract.model.schema import Schema
from pgcontract.reporting import object_cells
from pgcontract.reporting.fragments import check_counts, shown_by
from pgcontract.reporting.markup import code, fence, fold, join, table
from pgcontract.reporting.object_cells import Part
from pgcontract.reporting.run_view import KIND_BY_FIELD, RunView, is_unresolved
from pgcontract.result.outline import OutlineSection

FOLD_TABLES = 4
FOLD_ROWS = 40
_KINDS_WITH_TABLE = {"tables", "columns", "indexes", "triggers", "functions", "constraints", "grants"}
OTHER_KINDS = tuple(field.name for field in fields(Schema) if field.name not in _KINDS_WITH_TABLE)


class ObjectTables:
    """The rows of every kind of object of one Run."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.tables = view.parts("tables")

    def listed(self, section: OutlineSection) -> Iterator[Markup]:
        """The objects whose kinds have their rows in the section, kind by kind; or that there is none of a usual one."""
        kinds = self.view.listed_kinds(section)
        if "tables" in kinds:
            yield from list(self.columns(section)) or [Markup("No table is declared or found.")]
        if "indexes" in kinds:
            yield self.indexes(section) or Markup("No index is declared or found.")
        if "constraints" in kinds:
            yield self.constraints(section) or Markup("No constraint is declared or found.")
        if "triggers" in kinds:
            yield self.triggers(section) or Markup("No trigger is declared or found.")
        if "functions" in kinds:
            yield self.functions(section)
            yield self.bodies()
        others = tuple(kind for kind in OTHER_KINDS if kind in kinds)
        if rows := self.others(others, section):
            yield Markup("### Other objects\n\n{}").format(rows) if len(others) < len(kinds) else rows
        if "views" in kinds:
            yield self.definitions()

    def columns(self, section: OutlineSection) -> Iterator[Markup]:
        """One block a table: its purpose, what shows it, its columns. Folded where there are many tables."""
        many = len(self.tables) > FOLD_TABLES
        of_table: dict[object, list[Part]] = {}
        for column in self.view.parts("columns"):
            of_table.setdefault(column.get("table"), []).append(column)
        for part in self.tables:
            columns = of_table.pop(part.get("name"), [])
            yield self._table(part, columns, section, many=many)
        for owner, columns in of_table.items():  # of views and composite types
            yield self._block(str(owner), Markup(""), columns, section, many=True)

    def _table(self, part: Part, columns: Sequence[Part], section: OutlineSection, *, many: bool) -> Markup:
        about = self.view.findings_of("tables", part)
        description = join(
            (
                object_cells.purpose(part),
                join((object_cells.table(part), shown_by(about, section, self.view)), ". Shown by: "),
            ),
            "\n\n",
        )
        return self._block(
            str(part.get("name")), description, columns, section, many=many, highlighted=any(map(is_unresolved, about))
        )

    def _block(
        self,
        name: str,
        description: Markup,
        columns: Sequence[Part],
        section: OutlineSection,
        *,
        many: bool,
        highlighted: bool = False,
    ) -> Markup:
        ordered = sorted(columns, key=lambda column: column.get("position") or 0)
        by_part = {id(column): self.view.findings_of("columns", column) for column in ordered}
        rows = [
            (
                code(object_cells.short(column)),
                code(column.get("type")),
                "yes" if column.get("null", True) else "no",
                object_cells.default(column),
                object_cells.purpose(column),
                shown_by(by_part[id(column)], section, self.view),
            )
            for column in ordered
        ]
        body = table(("Column", "Type", "Null", "Default", "Purpose", "Shown by"), rows)
        everything = [finding for findings in by_part.values() for finding in findings]
        checks = Markup("Asked of the columns: {}.").format(check_counts(everything)) if everything else Markup("")
        block = join((description, body, checks), "\n\n")
        if not many:
            return Markup("### {}\n\n{}").format(code(name), block)
        highlighted = highlighted or any(map(is_unresolved, everything))
        return fold(f"{name}: {len(columns)} columns{', not all kept' if highlighted else ''}", block, opened=highlighted)

    def indexes(self, section: OutlineSection) -> Markup:
        parts = self.view.parts("indexes")
        rows = [
            (
                self._name(part),
                object_cells.index(part),
                object_cells.purpose(part),
                self._shown("indexes", part, section),
            )
            for part in parts
        ]
        return fold_if_long("indexes", ("Index", "Definition", "Purpose", "Shown by"), rows)

    def triggers(self, section: OutlineSection) -> Markup:
        rows = [
            (
                self._name(part),
                object_cells.trigger(part),
                object_cells.purpose(part),
                self._shown("triggers", part, section),
            )
            for part in self.view.parts("triggers")
        ]
        return fold_if_long("triggers", ("Trigger", "Fires", "Purpose", "Shown by"), rows)

    def functions(self, section: OutlineSection) -> Markup:
        rows = [
            (
                code(part.get("name")),
                object_cells.function(part),
                object_cells.purpose(part),
                self._shown("functions", part, section),
            )
            for part in self.view.parts("functions")
        ]
        return fold_if_long("functions", ("Function", "Is", "Purpose", "Shown by"), rows)

    def bodies(self) -> Markup:
        """The text of every function that has one."""
        held = [part for part in self.view.parts("functions") if part.get("body")]
        return _text_blocks("Body", [(part["name"], part["body"], part.get("language")) for part in held])

    def definitions(self) -> Markup:
        """The query of every view."""
        held = [part for part in self.view.parts("views") if part.get("definition")]
        return _text_blocks("Definition", [(part["name"], part["definition"], "sql") for part in held])

    def constraints(self, section: OutlineSection) -> Markup:
        rows = [
            (self._name(part), code(part.get("definition") or part.get("form")), object_cells.purpose(part),
             self._shown("constraints", part, section))
            for part in self.view.parts("constraints")
        ]  # fmt: skip
        return fold_if_long("rules", ("Rule", "Definition", "Purpose", "Shown by"), rows)

    def others(self, kinds: Sequence[str], section: OutlineSection) -> Markup:
        """Objects of kinds without a table of their own, with those of their fields that say something."""
        rows = [
            (
                KIND_BY_FIELD[kind].replace("_", " "),
                code(part.get("name")),
                object_cells.fields(part),
                object_cells.purpose(part),
                self._shown(kind, part, section),
            )
            for kind in kinds
            for part in self.view.parts(kind)
        ]
        return fold_if_long("other objects", ("Kind", "Name", "Is", "Purpose", "Shown by"), rows)

    def components(self) -> Markup:
        """How many of each kind are declared, how many of them are there, and which."""
        facts = self.view.run.facts
        declared, live = (facts.get(side) or {} for side in ("declared", "live"))
        kinds = ("tables", "columns", "indexes", "constraints", "triggers", "functions", *OTHER_KINDS)
        rows = [
            (
                kind.replace("_", " "),
                str(len(declared.get(kind) or ())) if declared else "–",
                str(len(live.get(kind) or ())) if live else "–",
                object_cells.names(held),
            )
            for kind in kinds
            if (held := self.view.parts(kind))
        ]
        return table(("Component", "#Declared", "#Found", "Names"), rows)

    def _shown(self, kind: str, part: Part, section: OutlineSection) -> Markup:
        return shown_by(self.view.findings_of(kind, part), section, self.view)

    def _name(self, part: Part) -> Markup:
        one_table = len(self.tables) == 1 and part.get("table") == self.tables[0].get("name")
        return code(object_cells.short(part) if one_table else part.get("name"))


def fold_if_long(title: str, columns: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    whole = table(columns, rows)
    return fold(f"{len(rows)} {title}", whole) if len(rows) > FOLD_ROWS else whole


def _text_blocks(title: str, texts: Sequence[tuple[str, str, str | None]]) -> Markup:
    """Name, text and language of each, in blocks; folded where there is more than one."""
    if len(texts) == 1:
        ((name, text, language),) = texts
        return Markup("{} of {}:\n\n{}").format(title, code(name), fence(text, language or "text"))
    blocks = (fold(f"{title} of {name}", fence(text, language or "text")) for name, text, language in texts)
    return Markup("\n").join(blocks)
