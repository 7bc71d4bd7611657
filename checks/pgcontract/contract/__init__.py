"""What an owner declares: a chain of migrations, the shape each promises, and what is claimed of it."""

from __future__ import annotations

from pgcontract.contract.column_formats import ColumnFormat
from pgcontract.contract.datasets import ColumnRows, Dataset, TableRows
from pgcontract.contract.existing_rows import ExistingRows
from pgcontract.contract.flows import Flow, Invariant, Step
from pgcontract.contract.json_schema import json_schema
from pgcontract.contract.presence import Presence
from pgcontract.contract.project import Migration, Project, contract_path, load_project, with_contract
from pgcontract.contract.queries import Budget, Growth, Query, QueryParameter
from pgcontract.contract.races import LEVELS, Level, Race
from pgcontract.contract.state_machines import StateMachine
from pgcontract.contract.timestamps import Timestamp
from pgcontract.contract.values import (
    CheckRef,
    Claim,
    Contract,
    Correction,
    Examples,
    FilePins,
    Shape,
    Verification,
    Waiver,
)

__all__ = [
    "LEVELS",
    "Budget",
    "CheckRef",
    "Claim",
    "ColumnFormat",
    "ColumnRows",
    "Contract",
    "Correction",
    "Dataset",
    "Examples",
    "ExistingRows",
    "FilePins",
    "Flow",
    "Growth",
    "Invariant",
    "Level",
    "Migration",
    "Presence",
    "Project",
    "Query",
    "QueryParameter",
    "Race",
    "Shape",
    "StateMachine",
    "Step",
    "TableRows",
    "Timestamp",
    "Verification",
    "Waiver",
    "contract_path",
    "json_schema",
    "load_project",
    "with_contract",
]
