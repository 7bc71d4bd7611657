"""The checks there are: each has an id for ever, the subjects it plans from a contract, and a way to ask.

A check lives in a module of `rules`, or in a plug-in's; importing it registers it. A duplicate id, or a docstring
without its parts, is an error at load.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, wraps
from typing import Final, TypeAlias

from pgcontract.errors import InputError
from pgcontract.performance.measurement_kind import MeasurementKind
from pgcontract.plugins import NameTaken, Plugin, load, loading, origin_of, plugins_of
from pgcontract.probes.context import Context
from pgcontract.probes.promise import Promise
from pgcontract.result import CheckInfo, Correctable, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.values import dataclass

Subjects: TypeAlias = Callable[[Promise], Iterable[str]]
Ask: TypeAlias = Callable[[Context], Iterable[Answer]]

_ID: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_OF_THE_RUNNER: Final = frozenset({"claim.decided", "waiver.live"})
_EXPLANATION: Final = re.compile(
    r"(?P<title>\S[^\n]*)\.\n\n"
    r"Why it matters: (?P<why>.+)\nHow it is measured: (?P<how>.+)\nWhat to do: (?P<remedy>.+)",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One promise that can be checked.

    `subjects` plans what it is asked of, from declarations alone; `ask` answers for all of them at once and may
    add subjects that nobody declared (an extra object). A check of `behaviour` is asked right after its migration and
    again at the head of the chain, one of the `head` there alone. One that `replays` is asked of every migration, however
    long ago it was applied; the others only where something is promised, and of what is pending. `measures` says which
    figures of a report are there because it was asked. Where `promised` says that nobody promised it, and no
    claim names it, it is only noted that it is broken. Without a contract it weighs `severity_without_contract`.
    One that could not be asked is a note where nobody promised it, unless it is `always_asked`; one that is `implied` is
    asked of whatever has a contract, and promised by a claim alone.
    """

    info: CheckInfo
    subjects: Subjects
    ask: Ask
    behaviour: bool = False
    head: bool = False
    replays: bool = False
    promised: Callable[[Promise], bool] | None = None
    severity_without_contract: Severity | None = None
    always_asked: bool = False
    implied: bool = False
    measures: frozenset[MeasurementKind] = frozenset()

    @property
    def id(self) -> str:
        return self.info.id


_checks: dict[str, Check] = {}
_owners: dict[str, Plugin | None] = {}


def check(
    id: str,  # noqa: A002 - the field's word
    *,
    subjects: Subjects,
    explanation: str | None = None,
    severity: Severity = Severity.ERROR,
    behaviour: bool = False,
    head: bool = False,
    replays: bool = False,
    promised: Callable[[Promise], bool] | None = None,
    severity_without_contract: Severity | None = None,
    always_asked: bool = False,
    implied: bool = False,
    correctable: Correctable = Correctable.NEVER,
    measures: Iterable[MeasurementKind] = (),
    timed: bool = False,
    version_features: tuple[str, ...] = (),
    comes_first: bool = False,
    tells_gaps: bool = False,
) -> Callable[[Ask], Ask]:
    """Register the decorated function as a check; its docstring, else `explanation`, is the check in words.

    What `subjects` and the words from `behaviour` to `implied`, and `measures`, mean is documented at
    `Check`, the rest at `CheckInfo`.
    ValueError where the id is taken (ids are never reused) or is not of the form `object.promise`, and where one of the
    parts of the words is missing.
    """

    kinds = frozenset(measures)

    def register(ask: Ask) -> Ask:
        if not _ID.fullmatch(id):
            raise ValueError(f"check {id!r} is not called object.promise, in lower case, as in money.cents")
        if id in _checks or id in _OF_THE_RUNNER:
            owner = _owners.get(id)
            raise NameTaken(f"there is a check {id} already, of {origin_of(owner)}; give it an id of its own")
        words = _read_explanation(id, explanation or ask.__doc__ or "")
        info = CheckInfo(
            id=id,
            title=words["title"],
            why=words["why"],
            how=words["how"],
            remedy=words["remedy"],
            severity=severity,
            correctable=correctable,
            measures=bool(kinds),
            timed=timed,
            version_features=version_features,
            comes_first=comes_first,
            tells_gaps=tells_gaps,
            plugin=str(loading() or ""),
        )
        _owners[id] = loading()
        _checks[id] = Check(
            info=info,
            subjects=subjects,
            ask=ask,
            behaviour=behaviour,
            head=head,
            replays=replays,
            promised=promised,
            severity_without_contract=severity_without_contract,
            always_asked=always_asked,
            implied=implied,
            measures=kinds,
        )
        return ask

    return register


def otherwise_kept(subject: str, summary: str) -> Callable[[Ask], Ask]:
    """Of a rule that says only what is wrong: KEPT, of that subject and in those words, where it says nothing."""

    def decorate(ask: Ask) -> Ask:
        @wraps(ask)
        def answers(context: Context) -> Iterator[Answer]:
            is_kept = True
            for answer in ask(context):
                is_kept = False
                yield answer
            if is_kept:
                yield Answer(Status.KEPT, subject, summary)

        return answers

    return decorate


def only_claimed(_: Promise) -> bool:
    """A value of `promised`: nobody promised it but where a claim names it."""
    return False


def _read_explanation(check: str, text: str) -> dict[str, str]:
    """Title, why, how and remedy, each without its line breaks."""
    parts = _EXPLANATION.fullmatch(inspect.cleandoc(text))
    if parts is None:
        raise ValueError(
            f"check {check} needs a docstring of a title in one line, ended by a full stop, an empty line, and three "
            "parts that begin with 'Why it matters: ', 'How it is measured: ' and 'What to do: ', in this order"
        )
    return {name: " ".join(part.split()) for name, part in parts.groupdict().items()}


def checks() -> Mapping[str, Check]:
    """Every check by id, sorted; loads the modules of `rules` and those of plug-ins on the first call. InputError where
    a plug-in cannot be loaded."""
    _load_rules()
    return dict(sorted(_checks.items()))


@cache
def _load_rules() -> None:
    from pgcontract import rules

    for module in pkgutil.walk_packages(rules.__path__, "pgcontract.rules."):
        importlib.import_module(module.name)
    known = dict(_checks)
    try:
        for plugin in plugins_of("rules"):
            load(plugin)
    except InputError:  # whoever asks again is told the same
        _checks.clear()
        _checks.update(known)
        raise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like it, for an error message."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.5)), None)
