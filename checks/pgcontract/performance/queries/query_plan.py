"""One call of a query as EXPLAIN (ANALYZE, BUFFERS) reports it: the pages touched, the rows found, the way to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from pgcontract.values import dataclass

Node: TypeAlias = Mapping[str, Any]

_SEARCHES: Final = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
_JOINS: Final = ("Nested Loop", "Hash Join", "Merge Join")
_NAMED: Final = {"Index Scan": "using", "Index Only Scan": "using", "Bitmap Index Scan": "on"}
_JOINED: Final = ("Hash Cond", "Merge Cond", "Join Filter")
_VALUE: Final = re.compile(r"'(?:[^']|'')*'(?:::(?:\"[^\"]+\"|[\w ]+)(?:\[\])?)?|\$\d+|\b\d+(?:\.\d+)?\b")


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One scan of a table or an index, in the server's words; `searches` are its descents from an index's root.

    `rows` are those it gave in all its loops, `removed` those that its filter kept back. `sorted` is True where its order
    reaches a Limit unsorted.
    """

    node: str
    table: str | None = None
    alias: str | None = None
    index: str | None = None
    condition: str | None = None
    filter: str | None = None
    rows: float = 0.0
    removed: float = 0.0
    searches: float = 0.0
    sorted: bool = False

    def __str__(self) -> str:
        """`Index Scan using orders_email on orders`."""
        words = [self.node]
        words += [_NAMED[self.node], self.index] if self.index and self.node in _NAMED else []
        words += ["on", self.table] if self.table else []
        return " ".join(words)


@dataclass(frozen=True, kw_only=True)
class Call:
    """What one call did; without ANALYZE every number is 0.

    `buffers` are shared pages hit or read, each time they are touched, with what it takes to send the rows (from 17 on).
    `returned` are its rows, `rows_found` those of its tables that answer it: without what OFFSET skips. `rows_handled`
    counts every row that any node gave or kept back. `joined` are the conditions that it joins by, `sort_keys` what it
    sorts by, and `shape` is the plan without its values.
    """

    buffers: int = 0
    returned: float = 0.0
    rows_found: float = 0.0
    rows_handled: float = 0.0
    scans: tuple[Scan, ...] = ()
    joined: tuple[str, ...] = ()
    sort_keys: tuple[str, ...] = ()
    shape: str = ""

    @property
    def searches(self) -> float:
        return sum(scan.searches for scan in self.scans)

    @property
    def plan_summary(self) -> str:
        """`Index Scan using orders_email on orders`; several scans by commas."""
        heads = [str(scan) for scan in self.scans if scan.node != "Bitmap Heap Scan"]
        return ", ".join(dict.fromkeys(heads)) or self.shape.partition("\n")[0]


def read_call(explained: Mapping[str, Any]) -> Call:
    """The call that one element of EXPLAIN's JSON describes."""
    plan: Node = explained["Plan"]
    nodes = list(_nodes(plan, above=()))
    scans = tuple(_scan(node, above) for node, above in nodes if _is_scan(node))
    returned = _rows(plan)
    sending: Node = explained.get("Serialization", {})
    return Call(
        buffers=_buffers(plan) + _buffers(sending),
        returned=returned,
        rows_found=max(_rows_found(plan), returned),
        rows_handled=sum(_rows(node) + _removed(node) for node, _ in nodes),
        scans=scans,
        joined=tuple(node[key] for node, _ in nodes for key in _JOINED if key in node),
        sort_keys=next((tuple(node["Sort Key"]) for node, _ in nodes if "Sort Key" in node), ()),
        shape="\n".join("  " * len(above) + _shape(node) for node, above in nodes),
    )


def _nodes(node: Node, above: tuple[Node, ...]) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    yield node, above
    for child in node.get("Plans", ()):
        yield from _nodes(child, (*above, node))


def _is_scan(node: Node) -> bool:
    return "Relation Name" in node or "Index Name" in node


def _scan(node: Node, above: tuple[Node, ...]) -> Scan:
    kind, loops = node["Node Type"], node.get("Actual Loops", 0)
    return Scan(
        node=kind,
        table=node.get("Relation Name"),
        alias=node.get("Alias"),
        index=node.get("Index Name"),
        condition=node.get("Index Cond") or node.get("Order By"),
        filter=node.get("Filter"),
        rows=_rows(node),
        removed=_removed(node),
        searches=node.get("Index Searches", loops) if kind in _SEARCHES else 0.0,
        sorted=_reaches_limit(above),
    )


def _reaches_limit(above: tuple[Node, ...]) -> bool:
    for node in reversed(above):
        if node["Node Type"] == "Limit":
            return True
        if node["Node Type"] in ("Sort", "Incremental Sort", "Hash", "Aggregate", "Materialize", "HashAggregate"):
            return False
    return False


def _rows_found(node: Node) -> float:
    """The rows of tables that answer the query: not those that join with nothing, nor those that OFFSET skips."""
    below = sum(map(_rows_found, node.get("Plans", ())))
    if node["Node Type"] in _JOINS:
        return min(below, _rows(node) * sum("Relation Name" in plan_node for plan_node, _ in _nodes(node, above=())))
    if node["Node Type"] == "Limit" and node.get("Plans"):
        return max(below - max(_rows(node["Plans"][0]) - _rows(node), 0.0), 0.0)
    return below + (_rows(node) if "Relation Name" in node else 0.0)


def _rows(node: Node) -> float:
    return float(node.get("Actual Rows", 0) * node.get("Actual Loops", 0))


def _removed(node: Node) -> float:
    kept_back = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")
    return float(sum(node.get(counter, 0) for counter in kept_back) * node.get("Actual Loops", 0))


def _buffers(node: Node) -> int:
    return int(node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0))


def _shape(node: Node) -> str:
    """The node in one line, every value in it a question mark: the same for a generic and a custom plan that agree."""
    words = [node["Node Type"]]
    words += [node[key] for key in ("Join Type", "Index Name", "Relation Name", "Scan Direction") if key in node]
    conditions = (
        "Index Cond",
        "Order By",
        "Filter",
        "Recheck Cond",
        "Join Filter",
        "Hash Cond",
        "Merge Cond",
        "TID Cond",
    )
    words += [f"{key}: {_VALUE.sub('?', str(node[key]))}" for key in conditions if key in node]
    words += [f"{key}: {node[key]}" for key in ("Sort Key", "Group Key", "Strategy") if key in node]
    return " ".join(map(str, words))
