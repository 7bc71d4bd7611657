"""What an owner declares: a chain of migrations, the shape each promises, and what is claimed of it."""

from __future__ import annotations

from pgcontract.contract.json_schema import json_schema
from pgcontract.contract.project import Migration, Project, load_project
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
    "CheckRef",
    "Claim",
    "Contract",
    "Correction",
    "Examples",
    "FilePins",
    "Migration",
    "Project",
    "Shape",
    "Verification",
    "Waiver",
    "json_schema",
    "load_project",
]
