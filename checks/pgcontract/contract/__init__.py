"""What an owner declares: a chain of migrations, the shape each promises, and what is claimed of it."""

from __future__ import annotations

from pgcontract.contract.baseline import Baseline, BaselineEntry, FindingKey, baseline_text, read_baseline
from pgcontract.contract.claims import CheckRef, Claim, Correction
from pgcontract.contract.earlier_gate import EarlierGate, LoosenedFile, Loosening
from pgcontract.contract.folder_options import FolderOptions, read_values
from pgcontract.contract.ignore_comments import IgnoreComment, IgnoredCheck
from pgcontract.contract.json_schema import json_schema
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import FolderIssue, IssueKind
from pgcontract.contract.project import Project
from pgcontract.contract.project_loading import (
    contract_path,
    contract_text,
    history_select,
    load_project,
    load_script,
    with_contracts,
)
from pgcontract.contract.sections.column_formats import ColumnFormat
from pgcontract.contract.sections.datasets import ColumnRows, Dataset, TableRows, rows_of
from pgcontract.contract.sections.existing_rows import ExistingRows
from pgcontract.contract.sections.flows import Flow, Invariant, Step
from pgcontract.contract.sections.presence import Presence
from pgcontract.contract.sections.queries import Budget, Growth, Query, QueryParameter
from pgcontract.contract.sections.races import LEVELS, Level, Race
from pgcontract.contract.sections.state_machines import StateMachine
from pgcontract.contract.sections.timestamps import Timestamp
from pgcontract.contract.sections.verifications import Verification
from pgcontract.contract.sections.waivers import Waiver
from pgcontract.contract.values import (
    Contract,
    Examples,
    Shape,
)
from pgcontract.contract.waiver_text import new_contract, with_waiver
