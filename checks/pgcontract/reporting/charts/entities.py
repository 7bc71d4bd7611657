"""The tables of a Run with their columns, and the foreign keys between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pgcontract.model.qualified_name import split_name
from pgcontract.model.schema import Column, Constraint, Schema, Table
from pgcontract.reporting.charts.svg import Chart, draw_chart, ellipsize
from pgcontract.reporting.finding_status import is_unresolved
from pgcontract.reporting.run_view import RunView
from pgcontract.values import dataclass

MAX_TABLES = 12
MAX_COLUMNS = 14
_KEYS = {"primary key": "PK", "foreign key": "FK", "unique": "UK"}
_SHORT = {"character varying": "varchar", "timestamp with time zone": "timestamptz", "double precision": "float8"}
_COLUMNS_OF_KEY = re.compile(r"\((.*?)\)")
_REFERENCES = re.compile(r"\bREFERENCES ((?:ONLY )?[^(]+)\(", re.IGNORECASE)
_BOX, _GAP, _LINE, _TOP = 280.0, 32.0, 18.0, 58.0


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A table: `columns` are name, type, keys and a note; `left_out` how many more it has; `wrong`: not as declared."""

    name: str
    columns: tuple[tuple[str, str, str, str], ...]
    left_out: int
    wrong: bool


@dataclass(frozen=True, kw_only=True)
class Entities:
    """`references` are pairs of names, the referencing table first; `left_out` is how many tables are not drawn."""

    tables: tuple[Entity, ...]
    references: tuple[tuple[str, str], ...]
    left_out: int


def entities(view: RunView) -> Entities | None:
    """Those that the migration makes or changes first, then those that they refer to; None where there is no table."""
    schema = view.schema
    if not schema.tables:
        return None
    references = tuple(_references(schema))
    effect = view.run.effect
    touched = {part.name for part in (*effect.made, *effect.changed)} if effect else set()
    near = {name for pair in references if touched.intersection(pair) for name in pair}
    ordered = sorted(schema.tables, key=lambda table: (table.name not in touched, table.name not in near, table.name))
    drawn = ordered[:MAX_TABLES]
    names = {table.name for table in drawn}
    return Entities(
        tables=tuple(_entity(table, view) for table in drawn),
        references=tuple(pair for pair in references if names.issuperset(pair)),
        left_out=len(ordered) - len(drawn),
    )


def _entity(table: Table, view: RunView) -> Entity:
    schema = view.schema
    columns = sorted((column for column in schema.columns if column.table == table.name), key=lambda one: one.position)
    keys = _keys(constraint for constraint in schema.constraints if constraint.table == table.name)
    return Entity(
        name=table.name,
        columns=tuple(_column(column, keys, view) for column in columns[:MAX_COLUMNS]),
        left_out=max(len(columns) - MAX_COLUMNS, 0),
        wrong=any(map(is_unresolved, view.findings_of(table))),
    )


def _column(column: Column, keys: Mapping[str, Sequence[str]], view: RunView) -> tuple[str, str, str, str]:
    wrong = any(map(is_unresolved, view.findings_of(column)))
    note = "NOT AS DECLARED" if wrong else "" if column.null else "not null"
    written, _ = split_name(column.name)
    name = written[-1] if written else column.name
    return name, _short(column.type), ", ".join(dict.fromkeys(keys.get(name, ()))), note


def _short(type_: str) -> str:
    for whole, short in _SHORT.items():
        type_ = type_.replace(whole, short)
    return type_


def _keys(constraints: Iterable[Constraint]) -> Mapping[str, Sequence[str]]:
    keys: dict[str, list[str]] = {}
    for constraint in constraints:
        columns = _COLUMNS_OF_KEY.search(constraint.definition or "")
        if constraint.form in _KEYS and columns:
            for name in columns[1].split(","):
                keys.setdefault(name.strip(), []).append(_KEYS[constraint.form])
    return keys


def _references(schema: Schema) -> Iterable[tuple[str, str]]:
    """From each foreign key's table to the one that it names; a name without a schema is in the table's own."""
    names = {table.name for table in schema.tables}
    for constraint in schema.constraints:
        target = _REFERENCES.search(constraint.definition or "") if constraint.form == "foreign key" else None
        if target:
            name = target[1].removeprefix("ONLY ").strip()
            own = ".".join((*split_name(constraint.table)[0][:-1], name))
            yield constraint.table, name if name in names else own


def mermaid(drawn: Entities) -> str:
    """The picture as GitHub draws it."""
    ids = {entity.name: f"t{place}" for place, entity in enumerate(drawn.tables)}
    lines = ["erDiagram"]
    for entity in drawn.tables:
        lines.append(f'    {ids[entity.name]}["{_plain(entity.name)}{" NOT AS DECLARED" if entity.wrong else ""}"] {{')
        for name, type_, keys, note in entity.columns:
            said = f' "{note}"' if note else ""
            lines.append(f"        {_word(type_)} {_word(name)}{f' {keys}' if keys else ''}{said}")
        if entity.left_out:
            lines.append(f'        more columns "{entity.left_out} more"')
        lines.append("    }")
    lines += [f"    {ids[target]} ||--o{{ {ids[source]} : has" for source, target in dict.fromkeys(drawn.references)]
    return "\n".join(lines)


def entities_chart(drawn: Entities, name: str) -> Chart:
    """Two tables a row, a line a foreign key."""
    boxes, heights = [], [_TOP, _TOP]
    for entity in drawn.tables:
        side = 0 if heights[0] <= heights[1] else 1
        lines = [
            (ellipsize(f"{column}  {type_}", 34), " ".join(filter(None, (keys, note if "NOT AS" in note else ""))))
            for column, type_, keys, note in entity.columns
        ]
        lines += [(f"and {entity.left_out} more", "")] if entity.left_out else []
        height = 30 + _LINE * len(lines) + 8
        boxes.append((24 + side * (_BOX + _GAP), heights[side], height, ellipsize(entity.name, 36), lines, entity.wrong))
        heights[side] += height + 26
    middles = {entity.name: (x, y + 15, x + _BOX) for entity, (x, y, *_) in zip(drawn.tables, boxes, strict=True)}
    return draw_chart(
        "entities.svg.j2",
        name=name,
        title="Tables and the foreign keys between them",
        description="; ".join(f"{source} refers to {target}" for source, target in drawn.references) or "No foreign key.",
        caption=[f"{drawn.left_out} more tables are not drawn." if drawn.left_out else ""],
        bottom=max(heights),
        boxes=boxes,
        links=[_link(middles[source], middles[target]) for source, target in dict.fromkeys(drawn.references)],
        box_width=_BOX,
        line_height=_LINE,
    )


def _link(source: tuple[float, float, float], target: tuple[float, float, float]) -> str:
    """A curve from one box to the other, along the side where they face each other."""
    if source == target:
        left, y, _ = source
        return f"M{left:.1f} {y + 6:.1f}C{left - 20:.1f} {y + 10:.1f} {left - 20:.1f} {y - 14:.1f} {left:.1f} {y - 8:.1f}"
    if source[0] == target[0]:
        x = source[0] if source[0] < 100 else source[2]
        bend = x - 18 if source[0] < 100 else x + 18
        return f"M{x:.1f} {source[1]:.1f}C{bend:.1f} {source[1]:.1f} {bend:.1f} {target[1]:.1f} {x:.1f} {target[1]:.1f}"
    first, second = (source[2], target[0]) if source[0] < target[0] else (source[0], target[2])
    middle = (first + second) / 2
    y1, y2 = source[1], target[1]
    return f"M{first:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {second:.1f} {y2:.1f}"


def _word(text: str) -> str:
    """A word that Mermaid reads as a type or a name."""
    word = re.sub(r"[^\w()\[\]-]+", "_", text).strip("_")
    return word if re.match(r"[A-Za-z_]", word) else f"c_{word}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w .()-]+", " ", text)[:60].strip() or "table"
