"""The tables of the schema sections: one row an object, what is declared of it, what it is for, what shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from markupsafe import Markup

from pgcontract.model.schema import Column, Part, Schema, Table
from pgcontract.reporting import object_cells
from pgcontract.reporting.charts.entities import entities, mermaid
from pgcontract.reporting.finding_status import is_unresolved
from pgcontract.reporting.fragments import check_counts, shown_by
from pgcontract.reporting.markup import MAX_CELL, code, fence, fold, join, prose, table
from pgcontract.reporting.run_view import RunView
from pgcontract.result.outline import OutlineSection

FOLD_TABLES = 4
FOLD_ROWS = 40
MAX_BRIEF_CELL = 120
_KINDS_WITH_TABLE = {"tables", "columns", "indexes", "triggers", "functions", "constraints", "grants"}
OTHER_KINDS = tuple(field.name for field in fields(Schema) if field.name not in _KINDS_WITH_TABLE)


class ObjectTables:
    """The rows of every kind of object of one Run."""

    def __init__(self, view: RunView, *, bodies: bool = True) -> None:
        """Without `bodies` those that stand in the script word for word are left out."""
        self.view = view
        self.with_bodies = bodies
        self.limit = MAX_CELL if bodies else MAX_BRIEF_CELL
        self.tables = view.schema.tables

    def listed(self, section: OutlineSection) -> Iterator[Markup]:
        """The objects whose kinds have their rows in the section, kind by kind; or that there is none of a usual one."""
        kinds = self.view.listed_kinds(section)
        if "tables" in kinds:
            yield self.picture()
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

    def picture(self) -> Markup:
        """The tables and the foreign keys between them, as GitHub draws them."""
        drawn = entities(self.view)
        return fence(mermaid(drawn), "mermaid", None) if drawn else Markup("")

    def columns(self, section: OutlineSection) -> Iterator[Markup]:
        """One block a table: its purpose, what shows it, its columns. Folded where there are many tables."""
        many = len(self.tables) > FOLD_TABLES
        of_table: dict[str, list[Column]] = {}
        for column in self.view.schema.columns:
            of_table.setdefault(column.table, []).append(column)
        for part in self.tables:
            columns = of_table.pop(part.name, [])
            yield self._table(part, columns, section, many=many)
        for owner, columns in of_table.items():  # of views and composite types
            yield self._block(owner, Markup(""), columns, section, many=True)

    def _table(self, part: Table, columns: Sequence[Column], section: OutlineSection, *, many: bool) -> Markup:
        about = self.view.findings_of(part)
        description = join(
            (
                self._purpose(part),
                join((object_cells.table(part), shown_by(about, section, self.view)), ". Shown by: "),
            ),
            "\n\n",
        )
        return self._block(
            part.name, description, columns, section, many=many, highlighted=any(map(is_unresolved, about))
        )

    def _block(
        self,
        name: str,
        description: Markup,
        columns: Sequence[Column],
        section: OutlineSection,
        *,
        many: bool,
        highlighted: bool = False,
    ) -> Markup:
        ordered = sorted(columns, key=lambda column: column.position)
        by_part = {id(column): self.view.findings_of(column) for column in ordered}
        rows = [
            (
                code(object_cells.short(column)),
                code(column.type),
                "yes" if column.null else "no",
                object_cells.default(column),
                self._purpose(column),
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
        rows = [
            (
                self._name(part),
                object_cells.index(part, self.limit),
                self._purpose(part),
                self._shown(part, section),
            )
            for part in self.view.schema.indexes
        ]
        return fold_if_long("indexes", ("Index", "Definition", "Purpose", "Shown by"), rows)

    def triggers(self, section: OutlineSection) -> Markup:
        rows = [
            (
                self._name(part),
                object_cells.trigger(part, self.limit),
                self._purpose(part),
                self._shown(part, section),
            )
            for part in self.view.schema.triggers
        ]
        return fold_if_long("triggers", ("Trigger", "Fires", "Purpose", "Shown by"), rows)

    def functions(self, section: OutlineSection) -> Markup:
        rows = [
            (
                code(part.name),
                object_cells.function(part),
                self._purpose(part),
                self._shown(part, section),
            )
            for part in self.view.schema.functions
        ]
        return fold_if_long("functions", ("Function", "Is", "Purpose", "Shown by"), rows)

    def bodies(self) -> Markup:
        """The text of every function that has one."""
        functions = self.view.schema.functions
        script = self.view.run.script.text
        shown = [part for part in functions if part.body and (self.with_bodies or part.body.strip() not in script)]
        return _text_blocks("Body", [(part.name, part.body, part.language) for part in shown if part.body])

    def definitions(self) -> Markup:
        """The query of every view."""
        return _text_blocks("Definition", [(part.name, part.definition, "sql") for part in self.view.schema.views])

    def constraints(self, section: OutlineSection) -> Markup:
        rows = [
            (self._name(part), code(part.definition or part.form, self.limit), self._purpose(part),
             self._shown(part, section))
            for part in self.view.schema.constraints
        ]  # fmt: skip
        return fold_if_long("rules", ("Rule", "Definition", "Purpose", "Shown by"), rows)

    def others(self, kinds: Sequence[str], section: OutlineSection) -> Markup:
        """Objects of kinds without a table of their own, with those of their fields that say something."""
        rows = [
            (
                part.kind.replace("_", " "),
                code(part.name),
                object_cells.fields(part),
                self._purpose(part),
                self._shown(part, section),
            )
            for kind in kinds
            for part in self.view.parts(kind)
        ]
        return fold_if_long("other objects", ("Kind", "Name", "Is", "Purpose", "Shown by"), rows)

    def components(self) -> Markup:
        """How many of each kind are declared up to here, how many the migration itself made or changed, and which."""
        declared, live = self.view.run.declared, self.view.run.live
        kinds = ("tables", "columns", "indexes", "constraints", "triggers", "functions", *OTHER_KINDS)
        rows = [
            (
                kind.replace("_", " "),
                "–" if declared is None else str(len(getattr(declared, kind))),
                "–" if live is None else str(len(getattr(live, kind))),
                object_cells.names(held, limit=12 if self.with_bodies else 3),
            )
            for kind in kinds
            if (held := self.view.parts(kind))
        ]
        return table(("Component", "#Declared", "#Made or changed", "Names"), rows)

    def _shown(self, part: Part, section: OutlineSection) -> Markup:
        return shown_by(self.view.findings_of(part), section, self.view)

    def _purpose(self, part: Part) -> Markup:
        return prose(self.view.purpose(part))

    def _name(self, part: Part) -> Markup:
        one_table = len(self.tables) == 1 and object_cells.owner_of(part) == self.tables[0].name
        return code(object_cells.short(part) if one_table else part.name)


def fold_if_long(title: str, columns: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    whole = table(columns, rows)
    return fold(f"{len(rows)} {title}", whole) if len(rows) > FOLD_ROWS else whole


def _text_blocks(title: str, texts: Sequence[tuple[str, str, str]]) -> Markup:
    """Name, text and language of each, in blocks; folded where there is more than one."""
    if len(texts) == 1:
        ((name, text, language),) = texts
        return Markup("{} of {}:\n\n{}").format(title, code(name), fence(text, language))
    blocks = (fold(f"{title} of {name}", fence(text, language)) for name, text, language in texts)
    return Markup("\n").join(blocks)
