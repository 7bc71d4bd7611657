"""What broken promises weigh for a team: its own severities by check, and the least that blocks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from pgcontract.contract.configuration import Configuration
from pgcontract.model.schema import Origin
from pgcontract.result import Severity
from pgcontract.values import dataclass

_HEAVIEST_FIRST: Final = list(Severity)


@dataclass(frozen=True, kw_only=True)
class SeverityRule:
    """`glob` over `check` or `check[subject]`, as --only takes it."""

    glob: str
    severity: Severity
    origin: Origin

    def matches(self, check: str, subject: str) -> bool:
        names = (check, f"{check}[{subject}]")
        return any(name == self.glob or fnmatchcase(name, self.glob.replace("[", "[[]")) for name in names)


@dataclass(frozen=True, kw_only=True)
class Severities:
    """The last rule that matches counts. What weighs as much as `blocks`, or more, blocks; `blocks_origin` is where that
    is said."""

    rules: tuple[SeverityRule, ...] = ()
    blocks: Severity = Severity.ERROR
    blocks_origin: Origin | None = None

    def of(self, check: str, subject: str) -> SeverityRule | None:
        """What the team says that the check weighs."""
        return next((rule for rule in reversed(self.rules) if rule.matches(check, subject)), None)

    def promises(self, check: str, subject: str) -> bool:
        """Whether the team asks for what nobody else promised."""
        rule = self.of(check, subject)
        return rule is not None and not is_lighter(rule.severity, Severity.WARNING)

    def weigh(self, check: str, subject: str, own: Severity, *, least: Severity) -> tuple[Severity, Origin | None]:
        """What a broken promise weighs that is `own` by itself, and where that is said, if it is. Never lighter than
        `least`, unless it is so by itself."""
        weight, origin = own, None
        if rule := self.of(check, subject):
            weight, origin = rule.severity, rule.origin
            if is_lighter(weight, least):
                weight = own if is_lighter(own, least) else least
        if self.blocks_origin is not None:
            blocks = not is_lighter(weight, self.blocks)
            if blocks and is_lighter(weight, Severity.ERROR):
                weight, origin = Severity.ERROR, self.blocks_origin
            elif not blocks and not is_lighter(weight, Severity.ERROR):
                weight, origin = Severity.WARNING, self.blocks_origin
        return weight, origin


def read_severities(configuration: Configuration) -> Severities:
    """The rules in the order in which they are written, those of pyproject.toml first."""
    rules = []
    for glob, word in configuration.spec.severity.items():
        origin = configuration.origin("severity", glob)
        assert origin is not None
        rules.append(SeverityRule(glob=glob, severity=Severity(word), origin=origin))
    return Severities(
        rules=tuple(rules), blocks=Severity(configuration.spec.blocks), blocks_origin=configuration.origin("blocks")
    )


def is_lighter(severity: Severity, other: Severity) -> bool:
    return _HEAVIEST_FIRST.index(severity) > _HEAVIEST_FIRST.index(other)
