"""What differs between two Runs: verdict, findings, promises, claims, shape, cost and files. Pure values.

Findings are the same where check, subject, migration and state are, whatever their place and words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pgcontract.model.comparison import compared_fields, display_value
from pgcontract.model.schema import Part, Schema
from pgcontract.reporting.finding_status import is_unresolved
from pgcontract.reporting.run_view import RunView
from pgcontract.result import ClaimResult, Finding, Run, SourceFile, Status
from pgcontract.values import dataclass

# Fewer pages differ from run to run by themselves.
MIN_PAGES = 2
MIN_SHARE = 0.1
_Key = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing in both Runs: its name, and a text for it before and after, empty where it was not or is not there."""

    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class RunDiff:
    """`new` are findings that need a person in the second Run and did not in the first, `gone` those of the first that
    the second has no more, each with what it says of them now, `same` how many are in both, `silent` how many could
    be asked in the first and not in the second, for a script that was not applied; `told` are notes that say
    something else; `asked` and `not_asked` are promises by check and how many, `shape` the parts of the declared schema,
    or of what one migration makes; `cost` pages and log at the largest size that both measured."""

    new: tuple[Finding, ...] = ()
    gone: tuple[tuple[Finding, Finding | None], ...] = ()
    same: int = 0
    silent: int = 0
    reported: tuple[Finding, ...] = ()
    asked: tuple[Change, ...] = ()
    claims: tuple[Change, ...] = ()
    shape: tuple[Change, ...] = ()
    cost: tuple[Change, ...] = ()
    files: tuple[Change, ...] = ()


def compare_runs(before: Run, after: Run) -> RunDiff:
    """What the second Run has and the first has not, and the other way about."""
    old, new = _findings(before), _findings(after)
    wrong_before = {key for key, finding in old.items() if is_unresolved(finding)}
    wrong_after = {key for key, finding in new.items() if is_unresolved(finding)}
    worse = {key for key in wrong_before & wrong_after if _weight(old[key]) != _weight(new[key])}
    consequences = {key for key, finding in new.items() if finding.follows}
    measuring = {check.id for check in after.checks if check.measures or check.timed}
    reported = (
        finding
        for key, finding in new.items()
        if finding.status is Status.NOTED
        and finding.check not in measuring
        and key not in consequences
        and (key not in old or old[key].summary != finding.summary)
    )
    return RunDiff(
        new=_worst_first(after, (new[key] for key in ((wrong_after - wrong_before) | worse) - consequences)),
        silent=len((wrong_after - wrong_before) & consequences)
        + sum(finding.not_asked and not (key in old and old[key].not_asked) for key, finding in new.items()),
        gone=tuple((old[key], new.get(key)) for key in old if key in wrong_before - wrong_after),
        same=len((wrong_before & wrong_after) - worse),
        reported=tuple(reported),
        asked=tuple(_asked(old.values(), new.values())),
        claims=tuple(_claims(before, after)),
        shape=tuple(_shape(before, after)),
        cost=tuple(_cost(before, after)),
        files=tuple(compare_files(before.sources, after.sources)),
    )


def compare_files(before: Sequence[SourceFile], after: Sequence[SourceFile]) -> Iterator[Change]:
    """The files by what they are, not by where they lie: before and after are their digests."""
    old, new = ({(file.migration, file.role): file for file in files} for files in (before, after))
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if was is None or now is None or was.sha256 != now.sha256:
            file = now or was
            named = f"{file.path} ({file.role})" if file else ""
            yield Change(name=named, before=was.sha256 if was else "", after=now.sha256 if now else "")


def _findings(run: Run) -> Mapping[_Key, Finding]:
    """The worst of those that are the same."""
    found: dict[_Key, Finding] = {}
    view = RunView(run)
    for finding in run.findings:
        if finding.check in view.restating:
            continue
        key = (finding.migration, finding.check, finding.subject, finding.at)
        if key not in found or finding.status.rank > found[key].status.rank:
            found[key] = finding
    return found


def _worst_first(run: Run, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    view, places = RunView(run), {id(finding): place for place, finding in enumerate(run.findings)}
    return tuple(sorted(findings, key=lambda finding: (view.urgency(finding), places[id(finding)])))


def _weight(finding: Finding) -> tuple[object, ...]:
    return finding.status, finding.severity


def _asked(before: Iterable[Finding], after: Iterable[Finding]) -> Iterator[Change]:
    """How many subjects each check was asked of, where that differs."""
    counts: dict[str, list[int]] = {}
    for side, findings in enumerate((before, after)):
        for finding in findings:
            counts.setdefault(finding.check, [0, 0])[side] += 1
    for check, (old, new) in sorted(counts.items()):
        if old != new:
            yield Change(name=check, before=str(old), after=str(new))


def _claims(before: Run, after: Run) -> Iterator[Change]:
    old, new = ({(claim.migration, claim.id): claim for claim in run.claims} for run in (before, after))
    views = RunView(before), RunView(after)
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if _ended(was) != _ended(now):
            view = views[1] if now else views[0]
            yield Change(name=view.claim_name(key[1], key[0]), before=_ended(was), after=_ended(now))


def _ended(claim: ClaimResult | None) -> str:
    return claim.outcome.value if claim else ""


def _shape(before: Run, after: Run) -> Iterator[Change]:
    """Of the declared schemas, where both are spelled as the server does or neither is; of what the head makes where
    nothing is declared and it is one migration."""
    alike = (before.live is None) == (after.live is None)
    if before.declared is not None and after.declared is not None and alike:
        yield from _parts(before.declared, after.declared)
    elif before.migration == after.migration and before.live is not None and after.live is not None:
        yield from _parts(before.live, after.live)


def _parts(before: Schema, after: Schema) -> Iterator[Change]:
    old, new = ({(part.kind, part.name): part for part in schema.parts()} for schema in (before, after))
    for key in dict.fromkeys((*old, *new)):
        was, now, name = old.get(key), new.get(key), f"{key[0].replace('_', ' ')} {key[1]}"
        if was is None or now is None:
            yield Change(name=name, before="there" if was else "", after="there" if now else "")
        elif was != now:
            yield from _fields(name, was, now)


def _fields(name: str, before: Part, after: Part) -> Iterator[Change]:
    for field in compared_fields(before):
        was, now = (display_value(getattr(part, field.name, None)) for part in (before, after))
        if was != now:
            yield Change(name=f"{name}, {field.name.replace('_', ' ')}", before=was, after=now)


def _cost(before: Run, after: Run) -> Iterator[Change]:
    old, new = _figures(before), _figures(after)
    for name, sizes in new.items():
        common = sizes.keys() & old.get(name, {}).keys()
        if common:
            rows = max(common)
            was, now = old[name][rows], sizes[rows]
            if abs(now - was) > max(MIN_PAGES, MIN_SHARE * max(was, now)):
                yield Change(name=f"{name} at {rows:,} rows", before=f"{was:,.0f}", after=f"{now:,.0f}")
        elif name not in old and sizes:
            yield Change(name=f"{name} at {max(sizes):,} rows", after=f"{sizes[max(sizes)]:,.0f}")


def _figures(run: Run) -> Mapping[str, Mapping[int, float]]:
    """By what was measured, and by size: the median pages of a call, those and the bytes of log of a row written."""
    figures: dict[str, dict[int, float]] = {}
    for query in run.measurements.queries:
        of_query = figures.setdefault(f"pages of the query {run.display_name(query.migration)}:{query.name}", {})
        of_query.update({size.rows: size.buffers_median for size in query.sizes if size.buffers_median is not None})
    for write in run.measurements.writes:
        step = f"the step {run.display_name(write.migration)}:{write.flow}.{write.step}"
        pages, log = figures.setdefault(f"pages of {step}", {}), figures.setdefault(f"log bytes of {step}", {})
        pages.update({size.rows: size.buffers for size in write.sizes if size.buffers is not None})
        log.update({size.rows: size.wal_bytes for size in write.sizes if size.wal_bytes is not None})
    return figures
