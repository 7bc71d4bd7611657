"""What an owner declares: a chain of migrations, the shape each promises, and what is claimed of it."""

from __future__ import annotations

from pgcontract.contract.column_formats import DeclaredLanguage
from pgcontract.contract.datasets import ColumnRows, Dataset, TableRows
from pgcontract.contract.existing_rows import PriorRows
from pgcontract.contract.flows import Flow, Invariant, Step
from pgcontract.contract.json_schema import json_schema
from pgcontract.contract.presence import Tie
from pgcontract.contract.project import Migration, Project, load_project
from pgcontract.contract.queries import Budget, Growth, Parameter, Query
from pgcontract.contract.races import LEVELS, Level, Race
from pgcontract.contract.state_machines import Machine
from pgcontract.contract.timestamps import Clock
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
    "Clock",
    "ColumnRows",
    "Contract",
    "Correction",
    "Dataset",
    "DeclaredLanguage",
    "Examples",
    "FilePins",
    "Flow",
    "Growth",
    "Invariant",
    "Level",
    "Machine",
    "Migration",
    "Parameter",
    "PriorRows",
    "Project",
    "Query",
    "Race",
    "Shape",
    "Step",
    "TableRows",
    "Tie",
    "Verification",
    "Waiver",
    "json_schema",
    "load_project",
]
