"""The tables of the schema sections: one row an object, what is declared of it, what it is for, what shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from markupsafe import Markup

from pgcontract.model.schema import Schema
from pgcontract.reporting import object_cells
from pgcontract.reporting.fragments import asked, shown
from pgcontract.reporting.markup import code, fence, fold, join, table
from pgcontract.reporting.object_cells import Part
from pgcontract.reporting.run_view import SINGULAR, Reading, is_wrong
from pgcontract.reporting.sections import Section

FOLD_TABLES = 4
FOLD_ROWS = 40
_OWN_TABLE = {"tables", "columns", "indexes", "triggers", "functions", "constraints", "grants"}
OTHERS = tuple(each.name for each in fields(Schema) if each.name not in _OWN_TABLE)


class Objects:
    """The rows of every kind of object of one Run."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.tables = reading.parts("tables")

    def columns(self) -> Iterator[Markup]:
        """One block a table: its purpose, what shows it, its columns. Folded where there are many tables."""
        many = len(self.tables) > FOLD_TABLES
        of_table: dict[object, list[Part]] = {}
        for column in self.reading.parts("columns"):
            of_table.setdefault(column.get("table"), []).append(column)
        for part in self.tables:
            columns = of_table.pop(part.get("name"), [])
            yield self._table(part, columns, many=many)
        for owner, columns in of_table.items():  # of views and composite types
            yield self._block(str(owner), Markup(""), columns, many=True)

    def _table(self, part: Part, columns: Sequence[Part], *, many: bool) -> Markup:
        about = self.reading.of("tables", part)
        told = join(
            (object_cells.purpose(part), join((object_cells.table(part), shown(about, Section.SCHEMA)), ". Shown by: ")),
            "\n\n",
        )
        return self._block(str(part.get("name")), told, columns, many=many, loud=any(map(is_wrong, about)))

    def _block(self, name: str, told: Markup, columns: Sequence[Part], *, many: bool, loud: bool = False) -> Markup:
        ordered = sorted(columns, key=lambda each: each.get("position") or 0)
        found = {id(each): self.reading.of("columns", each) for each in ordered}
        rows = [
            (
                code(object_cells.short(each)),
                code(each.get("type")),
                "yes" if each.get("null", True) else "no",
                object_cells.default(each),
                object_cells.purpose(each),
                shown(found[id(each)], Section.SCHEMA),
            )
            for each in ordered
        ]
        body = table(("Column", "Type", "Null", "Default", "Purpose", "Shown by"), rows)
        everything = [finding for each in found.values() for finding in each]
        checks = Markup("Asked of the columns: {}.").format(asked(everything)) if everything else Markup("")
        block = join((told, body, checks), "\n\n")
        if not many:
            return Markup("### {}\n\n{}").format(code(name), block)
        loud = loud or any(map(is_wrong, everything))
        return fold(f"{name}: {len(columns)} columns{', not all kept' if loud else ''}", block, opened=loud)

    def indexes(self) -> Markup:
        parts = self.reading.parts("indexes")
        rows = [
            (
                self._name(each),
                object_cells.index(each),
                object_cells.purpose(each),
                self._shown("indexes", each, Section.INDEXES),
            )
            for each in parts
        ]
        return folded("indexes", ("Index", "Definition", "Purpose", "Shown by"), rows)

    def triggers(self) -> Markup:
        rows = [
            (
                self._name(each),
                object_cells.trigger(each),
                object_cells.purpose(each),
                self._shown("triggers", each, Section.TRIGGER),
            )
            for each in self.reading.parts("triggers")
        ]
        return folded("triggers", ("Trigger", "Fires", "Purpose", "Shown by"), rows)

    def functions(self) -> Markup:
        rows = [
            (
                code(each.get("name")),
                object_cells.function(each),
                object_cells.purpose(each),
                self._shown("functions", each, Section.TRIGGER),
            )
            for each in self.reading.parts("functions")
        ]
        return folded("functions", ("Function", "Is", "Purpose", "Shown by"), rows)

    def bodies(self) -> Markup:
        """The text of every function that has one."""
        held = [each for each in self.reading.parts("functions") if each.get("body")]
        return _texts("Body", [(each["name"], each["body"], each.get("language")) for each in held])

    def definitions(self) -> Markup:
        """The query of every view."""
        held = [each for each in self.reading.parts("views") if each.get("definition")]
        return _texts("Definition", [(each["name"], each["definition"], "sql") for each in held])

    def constraints(self) -> Markup:
        rows = [
            (self._name(each), code(each.get("definition") or each.get("form")), object_cells.purpose(each),
             self._shown("constraints", each, Section.RULES))
            for each in self.reading.parts("constraints")
        ]  # fmt: skip
        return folded("rules", ("Rule", "Definition", "Purpose", "Shown by"), rows)

    def others(self) -> Markup:
        """Views, types, sequences, policies and every other kind, with those of their fields that say something."""
        rows = [
            (
                SINGULAR[kind].replace("_", " "),
                code(each.get("name")),
                object_cells.fields(each),
                object_cells.purpose(each),
                self._shown(kind, each, Section.SCHEMA),
            )
            for kind in OTHERS
            for each in self.reading.parts(kind)
        ]
        return folded("other objects", ("Kind", "Name", "Is", "Purpose", "Shown by"), rows)

    def components(self) -> Markup:
        """How many of each kind are declared, how many of them are there, and which."""
        facts = self.reading.run.facts
        declared, live = (facts.get(side) or {} for side in ("declared", "live"))
        kinds = ("tables", "columns", "indexes", "constraints", "triggers", "functions", *OTHERS)
        rows = [
            (
                kind.replace("_", " "),
                str(len(declared.get(kind) or ())) if declared else "–",
                str(len(live.get(kind) or ())) if live else "–",
                object_cells.names(held),
            )
            for kind in kinds
            if (held := self.reading.parts(kind))
        ]
        return table(("Component", "#Declared", "#Found", "Names"), rows)

    def _shown(self, kind: str, part: Part, section: Section) -> Markup:
        return shown(self.reading.of(kind, part), section)

    def _name(self, part: Part) -> Markup:
        one_table = len(self.tables) == 1 and part.get("table") == self.tables[0].get("name")
        return code(object_cells.short(part) if one_table else part.get("name"))


def folded(title: str, columns: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    whole = table(columns, rows)
    return fold(f"{len(rows)} {title}", whole) if len(rows) > FOLD_ROWS else whole


def _texts(title: str, texts: Sequence[tuple[str, str, str | None]]) -> Markup:
    """Name, text and language of each, in blocks; folded where there is more than one."""
    if len(texts) == 1:
        ((name, text, language),) = texts
        return Markup("{} of {}:\n\n{}").format(title, code(name), fence(text, language or "text"))
    blocks = (fold(f"{title} of {name}", fence(text, language or "text")) for name, text, language in texts)
    return Markup("\n").join(blocks)
