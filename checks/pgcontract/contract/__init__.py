"""What an owner declares: a chain of migrations, the shape each promises, and what is claimed of it."""

from __future__ import annotations

from pgcontract.contract.column_formats import ColumnFormat
from pgcontract.contract.datasets import ColumnRows, Dataset, TableRows
from pgcontract.contract.existing_rows import ExistingRows
from pgcontract.contract.flows import Flow, Invariant, Step
from pgcontract.contract.json_schema import json_schema
from pgcontract.contract.migration import Execution, Migration, TransactionScope
from pgcontract.contract.presence import Presence
from pgcontract.contract.project import Project, contract_path, load_project, root_of_contract, with_contract
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
    "Execution",
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
    "TransactionScope",
    "Verification",
    "Waiver",
    "contract_path",
    "json_schema",
    "load_project",
    "root_of_contract",
    "with_contract",
]
