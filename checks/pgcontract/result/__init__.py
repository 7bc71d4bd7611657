"""Pure values: what a verification found and decided, and the Run that every report is made from."""

from __future__ import annotations

from pgcontract.result.check_info import CheckInfo, Correctable
from pgcontract.result.claim_result import ClaimResult, Outcome
from pgcontract.result.document_info import DocumentInfo
from pgcontract.result.effect import Effect, LiveLock, LiveStatement, PartName, WorkAtSize
from pgcontract.result.finding import Evidence, Finding, Reweighed
from pgcontract.result.measurements import Measurements
from pgcontract.result.migration_name import MigrationName
from pgcontract.result.observations import Observations, Phase, ServerInfo
from pgcontract.result.outline import Content, Outline, OutlineSection
from pgcontract.result.role_access import RoleAccess
from pgcontract.result.run import Run
from pgcontract.result.run_options import RunOptions
from pgcontract.result.script_file import ScriptFile
from pgcontract.result.source_file import SourceFile
from pgcontract.result.status import Acceptance, Severity, Status
from pgcontract.result.verdict import Decision, Verdict
from pgcontract.result.waiver_term import WaiverTerm
