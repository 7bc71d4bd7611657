"""The checks to run: every check of every subject at every migration of the chain, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Final

from pgcontract.contract import Migration, Project, Waiver
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.errors import ContractError, InputError
from pgcontract.model.qualified_name import split_name
from pgcontract.probes.promise import Promise
from pgcontract.result import RunOptions
from pgcontract.result.check_info import family_of
from pgcontract.result.outline import EVERY_OTHER
from pgcontract.rules.registry import Check, checks, nearest
from pgcontract.runner.decisions import DECISIONS, decisions, matches
from pgcontract.runner.item import Item
from pgcontract.values import dataclass

_REMEMBERED: Final = 8192  # subjects, which later contracts have again
_FAMILIES_OF_THE_RUNNER = frozenset(info.family for info in DECISIONS)  # findings that answer no check of the registry


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be asked, and what a selection left out of it.

    `options` are those of the run, with the seed that is used. `named` are the claims and waivers that a selection names
    itself, `skipped` those that it leaves out. The migrations `with_states` have states
    of their own, whether or not anything is asked of them; those `answered` have none, for an earlier run answered all
    that would be asked of these.
    """

    project: Project
    options: RunOptions
    promises: Mapping[str, Promise]
    items: tuple[Item, ...]
    left_out: tuple[Item, ...] = ()
    named: frozenset[Item] = frozenset()
    skipped: frozenset[Item] = frozenset()
    with_states: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        return not self.left_out and not self.skipped

    @cached_property
    def subjects(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The subjects that are asked, by migration and check, in their order."""
        found: dict[tuple[str, str], list[str]] = {}
        for item in self.items:
            found.setdefault((item.migration, item.check), []).append(item.subject)
        return {key: tuple(subjects) for key, subjects in found.items()}

    @cached_property
    def decisions(self) -> Mapping[Item, frozenset[Item]]:
        """Every claim and waiver, with the items that it rests on, whether or not they are asked."""
        return decisions(self.project, (*self.items, *self.left_out))

    @cached_property
    def undecided(self) -> frozenset[Item]:
        """The claims and waivers that the selection did not ask, or not all that they rest on."""
        if self.complete:
            return frozenset()
        asked = frozenset(self.items)
        return self.skipped | frozenset(
            decision
            for decision, rests_on in self.decisions.items()
            if not (rests_on or decision in self.named) or not rests_on <= asked
        )

    @property
    def head(self) -> Migration:
        return self.project.head

    def is_judged(self, migration: Migration) -> bool:
        """Whether more is asked of it than to be applied: where something is promised of it, it is pending, or it is the
        head, of which the state is judged."""
        declares = migration.contract is not None
        return declares or self.is_judged_whole(migration) or migration is self.head or migration.key in self.with_states

    def is_judged_whole(self, migration: Migration) -> bool:
        """Whether everything is asked of it, what it does to rows included."""
        return _is_judged(self.project, migration)

    def has_states(self, migration: Migration) -> bool:
        """Whether it has a state before and after it, to be asked."""
        return migration.key not in self.answered and self.is_judged(migration)

    def select(self, items: Iterable[Item]) -> Plan:
        """The same plan with these items alone; claims and waivers among them are named."""
        chosen = frozenset(items)
        rest = tuple(item for item in self.items if item not in chosen)
        return replace(
            self,
            items=tuple(item for item in self.items if item in chosen),
            left_out=(*self.left_out, *rest),
            named=self.named | (chosen & self.decisions.keys()),
        )


def plan(project: Project, options: RunOptions = RunOptions()) -> Plan:  # noqa: B008 - a frozen value
    """What there is to ask of each migration of the chain, up to `through`, in the order it will be asked.

    A glob of `only` or `skip` that matches nothing is an InputError. A contract that names an unknown check is a
    ContractError with its place.
    """
    if options.through is not None:
        project = project.through(options.through)
    seed = project.seed if options.seed is None else options.seed
    known = checks()
    _refuse_unknown_families(project, known)
    _refuse_unknown_severities(project, {*known, *(info.id for info in DECISIONS)})
    promises: dict[str, Promise] = {}
    items: list[Item] = []
    for migration in project.chain:
        promise = Promise(
            project=project.at_head if migration is project.head else project,
            migration=migration,
            declared=project.declared(migration.key),
            script=migration.up,
            rollback=migration.down,
            seed=seed,
            examples=options.examples,
            rows=options.rows,
            linters=options.linters,
        )
        _refuse_unknown_checks(project, promise, known)
        promises[migration.key] = promise
        items.extend(_items(promise, _checks_of(promise, known.values())))
    resting = decisions(project, items)
    _refuse_globs_that_match_nothing(options, (*items, *resting), {*known, *(info.id for info in DECISIONS)})
    named = frozenset(item for item in resting if any(matches(item, glob) for glob in options.only))
    skipped = frozenset(item for item in resting if any(matches(item, glob) for glob in options.skip))
    needed = frozenset(item for decision in named - skipped for item in resting[decision])
    is_selection = bool(options.only or options.skip)
    chosen = tuple(item for item in items if _selected(item, options, needed)) if is_selection else tuple(items)
    taken = frozenset(chosen) if is_selection else ()
    return Plan(
        project=project,
        options=replace(options, seed=seed),
        promises=promises,
        items=chosen,
        left_out=tuple(item for item in items if item not in taken) if is_selection else (),
        named=named - skipped,
        skipped=skipped,
    )


def _refuse_globs_that_match_nothing(options: RunOptions, items: Iterable[Item], known: Collection[str]) -> None:
    there = tuple(items)
    for glob in (*options.only, *options.skip):
        if not any(matches(item, glob) for item in there):
            if any(fnmatchcase(check, glob.partition("[")[0]) for check in known):
                raise InputError(f"'{glob}' is a check, but this project declares nothing that it would ask about.")
            close = nearest(glob, {*known, *(item.name for item in there)})
            hint = f"; the nearest is {close}" if close else ""
            raise InputError(f"'{glob}' selects no check{hint}. `pgcontract list` names them all.")


def _refuse_unknown_checks(project: Project, promise: Promise, known: Mapping[str, Check]) -> None:
    contract, key = promise.contract, promise.migration.key
    claims = contract.claims if contract else ()
    named = [
        (reference.check, reference.origin)
        for claim in claims
        for reference in (*claim.checks, *(claim.corrected.checks if claim.corrected else ()))
    ]
    named += [(waiver.check, waiver.origin) for waiver in (contract.of(Waiver) if contract else ())]
    # In a file that must stay as it is nobody could mend a name.
    comments = [one for one in project.ignore_comments if one.migration == key and project.may_be_edited(key)]
    named += [(ignored.check, comment.origin) for comment in comments for ignored in comment.checks]
    for name, origin in named:
        if not any(fnmatchcase(check, name) for check in known):
            close = nearest(name, known)
            hint = f"the nearest is '{close}'" if close else "`pgcontract list` names them all"
            raise ContractError(
                f"no check is named '{name}'; {hint}",
                file=origin.file if origin else contract.path if contract else None,
                line=origin.line if origin else None,
            )


def _refuse_unknown_families(project: Project, known: Mapping[str, Check]) -> None:
    """A section of the report that gathers checks which are not there."""
    families = {family_of(check) for check in known} | _FAMILIES_OF_THE_RUNNER
    for section in project.outline.sections:
        for family in section.families:
            if family not in families and family != EVERY_OTHER:
                close = nearest(family, families)
                hint = f"the nearest is '{close}'" if close else f"there are {', '.join(sorted(families))}"
                raise ContractError(
                    f"section {section.id}: no check is of the family '{family}'; {hint}",
                    file=section.origin.file if section.origin else str(project.root),
                    line=section.origin.line if section.origin else None,
                )


def _refuse_unknown_severities(project: Project, known: Collection[str]) -> None:
    """A severity of a check that is not there."""
    for rule in project.severities.rules:
        name = rule.glob.partition("[")[0]
        if not any(fnmatchcase(check, name) for check in known):
            close = nearest(name, known)
            hint = f"the nearest is '{close}'" if close else "`pgcontract list` names them all"
            if name in ProjectSpec.model_fields:
                hint = f"write `{name}` above the line [severity], for it is no key of that table"
            raise ContractError(
                f"severity: no check is named '{name}'; {hint}", file=rule.origin.file, line=rule.origin.line
            )


def _is_judged(project: Project, migration: Migration) -> bool:
    # What its tool runs again whenever it has changed meets a second run however long ago it was applied.
    whole = migration.contract is not None and migration.contract.promises == "all"
    return whole or project.is_judged_whole(migration) or migration.up.execution.repeatable


def _checks_of(promise: Promise, known: Iterable[Check]) -> Iterator[Check]:
    """Everything of a migration that is pending, or has a contract; of the others that they apply, and of the head what
    its state shows."""
    judged = promise.contract is not None or _is_judged(promise.project, promise.migration)
    is_head = promise.migration is promise.project.head
    return (check for check in known if judged or check.replays or (is_head and check.head))


def _items(promise: Promise, asked: Iterable[Check]) -> Iterator[Item]:
    only_declared = not _is_judged(promise.project, promise.migration) and promise.contract is not None
    for check in asked:
        subjects = _subjects(check, promise.at_head if check.head else promise)
        if only_declared and not (check.replays or check.head):
            others = frozenset(_subjects(check, promise.without_contract))
            subjects = tuple(subject for subject in subjects if _is_promised(promise, check, subject, others))
        labels = [_last_part(subject) for subject in subjects]
        uses = Counter(labels)
        for subject, label in zip(subjects, labels, strict=True):
            yield Item(
                migration=promise.migration.key,
                check=check.id,
                subject=subject,
                label=label if uses[label] == 1 else subject,
            )


def _subjects(check: Check, promise: Promise) -> tuple[str, ...]:
    """InputError where a plug-in's check cannot say what it is asked of."""
    try:
        return tuple(dict.fromkeys(check.subjects(promise)))
    except Exception as error:
        if not check.info.plugin:
            raise
        raise InputError(
            f"the plug-in {check.info.plugin} cannot say what {check.id} is asked of: {type(error).__name__}: {error}. "
            "Correct it, or uninstall it; PGCONTRACT_PLUGINS=none leaves all plug-ins out."
        ) from error


def _is_promised(promise: Promise, check: Check, subject: str, others: Collection[str]) -> bool:
    """Whether a contract that promises no more than what it names promises that: `others` are the subjects that the check
    has of a migration without a contract."""
    return not (check.implied or subject in others) or promise.is_claimed(check.id, subject)


@lru_cache(maxsize=_REMEMBERED)
def _last_part(subject: str) -> str:
    """`public.t.email` as `email`; anything that is more than a dotted name stays whole."""
    written, rest = split_name(subject)
    return written[-1] if written and not rest else subject


def _selected(item: Item, options: RunOptions, needed: Collection[Item]) -> bool:
    """Whether it is asked: because the selection names it, or a claim or a waiver that rests on it."""
    chosen = not options.only or item in needed or any(matches(item, glob) for glob in options.only)
    return chosen and not any(matches(item, glob) for glob in options.skip)
