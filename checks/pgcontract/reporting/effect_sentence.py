"""What a migration does, in one line: objects made, changed and dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from pgcontract.model.qualified_name import split_name
from pgcontract.reporting.heading import number
from pgcontract.reporting.markup import code, join
from pgcontract.result import PartName, Run

MAX_NAMED = 2
# Of these their number alone says enough.
_UNNAMED = frozenset({"grant", "default_grant", "rows", "setting"})
# These have the name of a table in theirs, and come and go with it.
_OF_TABLE = frozenset({"column", "constraint", "trigger", "policy", "rule"})
_PLURALS = {"index": "indexes", "policy": "policies", "rows": "tables' rows", "statistics": "statistics"}


def effect_sentence(run: Run) -> Markup:
    """`makes 1 table (public.a) with its 4 columns, changes …`; says so where no server has shown it."""
    if run.effect is None:
        why = "the script was not applied in this run" if run.server else "no server was there"
        return Markup(f"not shown, since {why}.")  # noqa: S704 - our own words
    effect = run.effect
    verbs = (("makes", effect.made), ("changes", effect.changed), ("drops", effect.dropped))
    clauses = [Markup("{} {}").format(verb, join(_kinds(parts), ", ")) for verb, parts in verbs if parts]
    if not clauses:
        return Markup("makes, changes and drops no object.")
    return join((*clauses, "" if effect.dropped else "drops nothing"), "; ") + Markup(".")


def _kinds(parts: Sequence[PartName]) -> Iterator[Markup]:
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
        names = join((code(part.name) for part in held), ", ") if len(held) <= MAX_NAMED and kind not in _UNNAMED else ""
        inside = (
            f"with {number(within, 'part')} of {'it' if len(held) == 1 else 'theirs'}"
            if kind == "table" and within
            else ""
        )
        yield join((counted, Markup("({})").format(names) if names else "", inside), " ")


def _owner(name: str) -> str:
    """`public.t` of `public.t.c`."""
    written, _ = split_name(name)
    return ".".join(written[:-1])
