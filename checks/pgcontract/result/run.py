"""One verification, whole."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import assert_never

from pgcontract.model.schema import Schema
from pgcontract.result.check_info import CheckInfo
from pgcontract.result.claim_result import ClaimResult, Outcome
from pgcontract.result.document_info import DocumentInfo
from pgcontract.result.effect import Effect
from pgcontract.result.finding import Finding
from pgcontract.result.measurements import Measurements
from pgcontract.result.migration_name import MigrationName
from pgcontract.result.observations import KeptAnswer, Phase, ServerInfo
from pgcontract.result.outline import Outline
from pgcontract.result.plugin_use import PluginUse
from pgcontract.result.role_access import RoleAccess
from pgcontract.result.row_effects import RowLoss, RowStop
from pgcontract.result.run_options import RunOptions
from pgcontract.result.script_file import ScriptFile
from pgcontract.result.source_file import SourceFile
from pgcontract.result.status import Acceptance, Status
from pgcontract.result.verdict import Decision, Verdict
from pgcontract.result.waiver_term import WaiverTerm
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Run:
    """One verification, whole: the only input of every report; `run.json` gives it back unchanged.

    `pgcontract` is the version that made it, `started` ISO 8601 in UTC. `migration` is the head of `chain`; `script`,
    `rollback`, `declared` and `live` are the head's. `declared` is None where it has no contract, `live` where no
    server showed what the script makes, `server` where none was asked. `production_major` is the major version that the
    migrations are to run on. `checks` are those that a finding is of, by id. `options` hold no password. `outline` is
    how a report is laid out; `effect` is what the head makes, changes and drops; `stops` and `losses` are what pending
    migrations do over rows; `access` is what roles reached at the head; `sources` are the files that were read, with
    their digests, `project` the folder or script that they are of, `started_in` the folder that paths are written from,
    below the top of its repository (empty at the top, and outside of one), `layout` how it was read; `pending` are the
    keys of the migrations that were taken for pending; `kept` are the questions whose answers at a migration's own
    place are an earlier run's; `assumptions` are a sentence each: how the folder was read, what was taken for pending.
    `configured` are a sentence for each line of the configuration that left something out or weighed it anew. `waivers`
    stand in the order in which they end. `plugins` are those that took part. `given` are the words that say how the
    folder is read, no secret among them.
    """

    pgcontract: str
    started: str
    migration: str
    chain: tuple[MigrationName, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    claims: tuple[ClaimResult, ...]
    checks: tuple[CheckInfo, ...]
    outline: Outline
    assumptions: tuple[str, ...] = ()
    configured: tuple[str, ...] = ()
    script: ScriptFile
    rollback: ScriptFile | None = None
    platform: str = "postgres"
    production_major: int | None = None
    document: DocumentInfo = field(default_factory=DocumentInfo)
    declared: Schema | None = None
    live: Schema | None = None
    effect: Effect | None = None
    measurements: Measurements = field(default_factory=Measurements)
    stops: tuple[RowStop, ...] = ()
    losses: tuple[RowLoss, ...] = ()
    access: tuple[RoleAccess, ...] = ()
    server: ServerInfo | None = None
    options: RunOptions = field(default_factory=RunOptions)
    phases: tuple[Phase, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    project: str = ""
    started_in: str = ""
    given: tuple[str, ...] = ()
    layout: str = ""
    pending: tuple[str, ...] = ()
    kept: tuple[KeptAnswer, ...] = ()
    waivers: tuple[WaiverTerm, ...] = ()
    plugins: tuple[PluginUse, ...] = ()

    def display_name(self, key: str) -> str:
        """What people call the migration of the chain."""
        return next((migration.display_name for migration in self.chain if migration.key == key), key)

    @property
    def on_trust(self) -> tuple[str, ...]:
        """What words stand for in place of an answer: a sentence for each claim that is called untestable, and for each
        finding that somebody accepts; one for all that is old. Whatever the verdict, a reader must know of them first."""
        untestable = (claim for claim in self.claims if claim.outcome is Outcome.UNTESTABLE)
        return (
            *(f"{self._lead(claim.migration)}{claim.id} is called untestable: {claim.reason}" for claim in untestable),
            *(
                f"{self._lead(finding.migration)}{finding.item} is {finding.resolution}"
                for finding in self.accepted
                if not self.is_folded(finding)
            ),
            *self.folded,
        )

    @cached_property
    def accepted(self) -> tuple[Finding, ...]:
        """The findings that are WAIVED, a thing once: without those that repeat what became of claims."""
        restating = {check.id for check in self.checks if check.restates_claims}
        waived = (finding for finding in self.findings if finding.status is Status.WAIVED)
        return tuple(finding for finding in waived if finding.check not in restating)

    def is_folded(self, finding: Finding) -> bool:
        """Whether an accepted finding is only counted: it decides nothing, or is waived by the contract of a migration
        that is applied. What is critical never is."""
        if finding.status is not Status.WAIVED or finding.accepted_though_critical:
            return False
        return finding.decides_nothing or self._waived_before(finding)

    def _waived_before(self, finding: Finding) -> bool:
        own = finding.accepted is Acceptance.WAIVER
        return own and any(finding.item in term.excuses for term in self._earlier_waivers)

    @cached_property
    def _earlier_waivers(self) -> tuple[WaiverTerm, ...]:
        return tuple(term for term in self.waivers if term.migration not in self.pending)

    @property
    def folded(self) -> tuple[str, ...]:
        """A sentence for each way in which old findings are accepted, with their number."""
        return tuple(
            filter(None, (self._folded_waivers(), self._folded(Acceptance.COMMENT), self._folded(Acceptance.BASELINE)))
        )

    def _folded(self, acceptance: Acceptance) -> str | None:
        held = [one for one in self.accepted if one.accepted is acceptance and self.is_folded(one)]
        if not held:
            return None
        are = "finding is" if len(held) == 1 else "findings are"
        where = held[0].resolution if acceptance is Acceptance.BASELINE else "ignored by comments in the SQL"
        return f"{len(held)} {are} {where}, and decide{'s' * (len(held) == 1)} nothing"

    def _folded_waivers(self) -> str | None:
        held = [one for one in self.accepted if self.is_folded(one) and not one.decides_nothing]
        if not held:
            return None
        terms = [term for term in self._earlier_waivers if any(one.item in term.excuses for one in held)]
        names = ", ".join(self.display_name(key) for key in dict.fromkeys(term.migration for term in terms))
        are = "finding is" if len(held) == 1 else "findings are"
        first = terms[0]
        ends = f"{first.item} until {first.until}" if len(held) == 1 else f"first ends {first.item}, on {first.until}"
        return f"{len(held)} {are} waived by earlier contracts ({names}): {ends}"

    def _lead(self, key: str) -> str:
        """What leads the name of a thing that is of an earlier migration than the head."""
        return "" if key == self.migration else f"{self.display_name(key)}:"

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The checks that failed by a fault of their own."""
        return tuple(finding for finding in self.findings if finding.status is Status.ERROR)

    @property
    def fault(self) -> str | None:
        """The sentence to say where checks failed by a fault of their own, which the exit code 4 means; else None."""
        if not self.errors:
            return None
        items = ", ".join(dict.fromkeys(f"{self._lead(finding.migration)}{finding.item}" for finding in self.errors))
        failed = {finding.check for finding in self.errors}
        brought = {check.plugin for check in self.checks if check.id in failed and check.plugin}
        whose = " and ".join(sorted(brought)) or "pgcontract"
        return (
            f"a bug of {whose}, not of the migration: {items} could not finish. "
            "The traceback is in the evidence of each; please report it."
        )

    @property
    def exit_code(self) -> int:
        """0, 1 or 3 as the verdict says; 1 for CAUTION in a strict run; 4 after a fault of ours, whatever was found."""
        if self.errors:
            return 4
        match self.verdict.decision:
            case Decision.CLEAR:
                return 0
            case Decision.CAUTION:
                return 1 if self.options.strict else 0
            case Decision.BLOCKED:
                return 1
            case Decision.INCOMPLETE:
                return 3
            case unknown:
                assert_never(unknown)
