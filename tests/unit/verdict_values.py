"""Findings, claims, waivers and projects made by hand, for the tests of what findings make of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from pgcontract.contract import CheckRef, Claim, Contract, Correction, Migration, Project, Shape, Waiver
from pgcontract.model.schema import Column, Schema, Table
from pgcontract.model.sql import Script
from pgcontract.result import ClaimResult, Finding, Outcome, Severity, Status
from pgcontract.runner import Item, check_infos

TODAY = dt.date(2026, 1, 4)
STEM, NEXT = "001_t", "002_u"
CHECKS = check_infos()
SCHEMA = Schema(
    tables=(Table(name="public.users"),),
    columns=(Column(name="public.users.email", table="public.users", position=1, type="text"),),
)


def finding(status: Status, severity: Severity | None = None, **said: Any) -> Finding:
    if status is Status.BROKEN and severity is None:
        severity = Severity.ERROR
    values = {"check": "column.type", "subject": "public.t.a", "summary": "As told.", "migration": STEM, **said}
    return Finding(status=status, severity=severity, **values)


KEPT, BROKEN = finding(Status.KEPT), finding(Status.BROKEN, summary="It is integer.")
COUNT_2 = {"check": "schema.count", "subject": "tables = 2"}
COUNT_1 = {"check": "schema.count", "subject": "tables = 1"}


def item(check: str, subject: str, migration: str = STEM) -> Item:
    return Item(migration=migration, check=check, subject=subject, label=subject)


def ref(text: str) -> CheckRef:
    return CheckRef.model_construct(text=text)  # as it is: claims.toml has globs of subjects only


def claim(*checks: str, **said: Any) -> Claim:
    return Claim(**{"id": "T1", "description": "It is so", "checks": tuple(map(ref, checks)), **said})


def corrected(description: str, *checks: str) -> Correction:
    return Correction(description=description, checks=tuple(map(ref, checks)))


TWO = claim("schema.count[tables = 2]", corrected=corrected("One", "schema.count[tables = 1]"))


def result(outcome: Outcome, number: int = 1, **said: Any) -> ClaimResult:
    values = {"id": f"T{number}", "description": "It is so", "reason": "told", "migration": STEM, **said}
    return ClaimResult(outcome=outcome, **values)


def waiver(until: dt.date, check: str = "column.type", subject: str = "public.t.a") -> Waiver:
    return Waiver(check=check, subject=subject, reason="widened soon", owner="Ann", until=until)


def migration(key: str, *waivers: Waiver, claims: tuple[Claim, ...] = ()) -> Migration:
    return Migration(
        key=key,
        display_name=key[:3],
        file=f"{key}.sql",
        up=Script(path=f"{key}.sql", text="", sha256="", bytes=0, lines=0, statements=()),
        down_remedy="",
        contract=Contract(path="contract.toml", migration=f"{key}.sql", sections=waivers, claims=claims),
    )


def chain(*migrations: Migration) -> Project:
    shapes = {link.key: Shape(schema=SCHEMA) for link in migrations}
    return Project(root=Path(), chain=migrations, shapes=shapes)


def project(*waivers: Waiver, claims: tuple[Claim, ...] = ()) -> Project:
    return chain(migration(STEM, *waivers, claims=claims))
