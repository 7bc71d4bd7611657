"""What a migration does, in one line: objects made, changed and dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from pgcontract.model.qualified_name import split_name
from pgcontract.reporting.live_tables import find_worst_lock, place
from pgcontract.reporting.markup import code, join, prose
from pgcontract.result import PartName, Run

MAX_NAMED = 2
# Of all others their number says enough; what is dropped is named.
_NAMED = frozenset({"table", "column", "view", "type"})
# These have the name of a table in theirs, and come and go with it.
_OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})
_PLURALS = {"index": "indexes", "policy": "policies", "rows": "tables' rows", "statistics": "statistics"}


def effect_sentence(run: Run) -> Markup:
    """`makes 1 table (public.a) and 4 of its columns …; drops nothing; locks public.b …`; of objects it says where no
    server has shown them."""
    clauses = [_objects(run), _lock(run)]
    clauses.append(_listed("loses what is in", (loss.subject for loss in run.losses)))
    if run.stops:
        tables = [stop.table for stop in run.stops if stop.table]
        clauses.append(_listed("stops at some rows of", tables) or Markup("stops at some rows"))
    return join(clauses, "; ") + Markup(".")


def _objects(run: Run) -> Markup:
    if run.effect is None:
        return prose(
            f"not shown, since {'the script was not applied in this run' if run.server else 'no server was there'}"
        )
    effect = run.effect
    verbs = (("makes", effect.made), ("changes", effect.changed), ("drops", effect.dropped))
    clauses = [
        Markup("{} {}").format(verb, join(_kinds(parts, named=verb == "drops"), ", ")) for verb, parts in verbs if parts
    ]
    if not clauses:
        return Markup("makes, changes and drops no object")
    return join((*clauses, "" if effect.dropped else "drops nothing"), "; ")


def _lock(run: Run) -> Markup:
    """`locks public.a (ACCESS EXCLUSIVE, from line 3): reads and writes of it wait while it rewrites every row`."""
    worst = find_worst_lock(run)
    if worst is None:
        return Markup("")
    lock = worst.lock
    meanwhile = Markup(" while it {}").format(prose(worst.meanwhile)) if worst.meanwhile else ""
    return Markup("locks {} ({}, from {}): {} of it wait{}").format(
        code(lock.table), lock.mode, place(run, worst.statement), lock.blocks, meanwhile
    )


def _listed(words: str, names: Iterable[str]) -> Markup:
    """The words and the first few names; nothing where there is none."""
    known = list(dict.fromkeys(names))
    more = ", …" if len(known) > MAX_NAMED else ""
    return Markup("{} {}{}").format(words, join(map(code, known[:MAX_NAMED]), ", "), more) if known else Markup("")


def _kinds(parts: Sequence[PartName], *, named: bool) -> Iterator[Markup]:
    tables = {part.name for part in parts if part.kind == "table"}
    by_kind: dict[str, list[PartName]] = {}
    within = 0
    for part in parts:
        if part.kind in _OF_TABLE and _owner(part.name) in tables:
            within += 1
        else:
            by_kind.setdefault(part.kind, []).append(part)
    for kind, held in by_kind.items():
        noun = kind.replace("_", " ")
        counted = f"{len(held)} {noun if len(held) == 1 else _PLURALS.get(kind, f'{noun}s')}"
        shown = held[:MAX_NAMED] if named or kind in _NAMED else []
        more = ", …" if shown and len(held) > len(shown) else ""
        names = Markup("({}{})").format(join((code(part.name) for part in shown), ", "), more) if shown else ""
        inside = f"and {within} of {'its' if len(held) == 1 else 'their'} columns, constraints and the like"
        yield join((counted, names, inside if kind == "table" and within else ""), " ")


def _owner(name: str) -> str:
    """`public.t` of `public.t.c`."""
    written, _ = split_name(name)
    return ".".join(written[:-1])
