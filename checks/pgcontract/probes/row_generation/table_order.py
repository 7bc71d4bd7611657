"""Tables in an order in which their rows can be inserted."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from pgcontract.probes.row_generation.target_tables import FilledTable


def parents_first(tables: Sequence[FilledTable]) -> list[FilledTable]:
    """The tables, each after those that it refers to; of a circle the one first that may do without."""
    known = {table.name for table in tables}
    # Of each table the parents that are not there yet, as (name, whether rows may do without).
    parents: dict[str, list[tuple[str, bool]]] = {}
    children: dict[str, list[int]] = {}
    for number, table in enumerate(tables):
        nullable = {column.name for column in table.columns if column.null}
        references = [each for each in table.references if each.parent in known and each.parent != table.name]
        parents[table.name] = [(each.parent, bool(set(each.columns) & nullable)) for each in references]
        for each in references:
            children.setdefault(each.parent, []).append(number)

    def blocking(number: int) -> tuple[int, int, int]:
        waiting = parents[tables[number].name]
        return sum(not optional for _, optional in waiting), len(waiting), number

    queue = [blocking(number) for number in range(len(tables))]
    heapify(queue)
    ordered: list[FilledTable] = []
    done: set[int] = set()
    while queue:
        number = heappop(queue)[-1]
        if number in done:
            continue
        done.add(number)
        table = tables[number]
        ordered.append(table)
        for child in dict.fromkeys(children.get(table.name, ())):
            name = tables[child].name
            parents[name] = [parent for parent in parents[name] if parent[0] != table.name]
            heappush(queue, blocking(child))
    return ordered
