"""Reads the TOML files an owner writes: declarations with their lines, or one ContractError that lists every error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from pgcontract.contract.declared_value import with_places
from pgcontract.contract.documents import ClaimsSpec, ContractSpec, CorrectionSpec, ProjectSpec, WholeContractSpec
from pgcontract.contract.inheritance import Declarations, read_declarations
from pgcontract.contract.report_outline import default_outline, read_outline
from pgcontract.contract.section import contradiction_issues
from pgcontract.contract.toml_positions import KeyPath, key_lines, line_of
from pgcontract.contract.validation_errors import ValidationIssue, nearest, pydantic_issues, raise_issues
from pgcontract.contract.values import CheckRef, Claim, Correction
from pgcontract.errors import ContractError, InputError
from pgcontract.model.schema import Origin
from pgcontract.result.outline import Outline

S = TypeVar("S", bound=BaseModel)

_ERROR_POSITION: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One contract.toml with the claims beside it, as far as it can be read without the contracts before it."""

    path: Path
    spec: ContractSpec
    declarations: Declarations
    lines: Mapping[KeyPath, int]
    claims: tuple[Claim, ...]


def read_contract(path: Path, *, claims: Path | None = None, outline: Outline | None = None) -> Document:
    """One contract; `claims` is the claims.toml that goes with it, if it is there, whose claims stand in `outline`."""
    return parse_contract(_text(path), path=path, claims=claims, outline=outline)


def parse_contract(text: str, *, path: Path, claims: Path | None = None, outline: Outline | None = None) -> Document:
    """The contract that this text is, as if it stood in the file at `path`."""
    spec, lines = _parse(text, path, WholeContractSpec)
    issues: list[ValidationIssue] = []
    declarations = read_declarations(spec, file=str(path), lines=lines, issues=issues)
    issues += contradiction_issues(spec.sections, file=str(path), lines=lines)
    stated = _read_claims(claims, outline or default_outline()) if claims and claims.exists() else ()
    raise_issues(issues)
    return Document(path=path, spec=spec, declarations=declarations, lines=lines, claims=stated)


def read_project_file(path: Path) -> tuple[ProjectSpec, Outline]:
    """pgcontract.toml and the report's outline in it, or what holds where there is none."""
    spec, lines = _parse(_text(path), path, ProjectSpec) if path.exists() else (ProjectSpec.model_validate({}), {})
    issues: list[ValidationIssue] = []
    outline = read_outline(spec.report, file=str(path), lines=lines, issues=issues)
    raise_issues(issues)
    return spec, outline


def _parse(text: str, path: Path, model: type[S]) -> tuple[S, Mapping[KeyPath, int]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _ERROR_POSITION.search(str(error))
        line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
        what = _ERROR_POSITION.sub("", str(error))
        if "overwrite" in what or "twice" in what:
            what += ", since what this line names is there already"
        raise ContractError(f"this is not TOML: {what}. Mend the line", file=str(path), line=line) from None
    lines = key_lines(text)
    try:
        placed = with_places(model, document, file=str(path), lines=lines)
        return model.model_validate(placed, by_alias=True, by_name=False), lines
    except ValidationError as error:
        raise_issues(pydantic_issues(error.errors(), model, file=str(path), lines=lines))
        raise


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}. Check the path and its permissions", file=str(path)
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ContractError("this is not UTF-8 text; save it as UTF-8", file=str(path), line=line) from None


def _origin(path: Path, key: KeyPath, lines: Mapping[KeyPath, int]) -> Origin:
    return Origin(file=str(path), line=line_of(key, lines))


def _issue(origin: Origin | None, message: str) -> ValidationIssue:
    return ValidationIssue(file=origin.file if origin else "", line=origin.line if origin else None, message=message)


def _read_claims(path: Path, outline: Outline) -> tuple[Claim, ...]:
    spec, lines = _parse(_text(path), path, ClaimsSpec)
    sections = [section.id for section in outline.sections]
    claims: dict[str, Claim] = {}
    issues: list[ValidationIssue] = []
    for index, claim_spec in enumerate(spec.claim):
        claim_path: KeyPath = ("claim", index)
        origin = _origin(path, claim_path, lines)
        if claim_spec.id in claims:
            first = claims[claim_spec.id].origin
            issues.append(
                _issue(origin, f"claim {claim_spec.id} is there twice, first on line {first.line if first else '?'}")
            )
        if claim_spec.untestable and claim_spec.pending:
            issues.append(_issue(origin, f"claim {claim_spec.id} is both untestable and pending; keep one of the two"))
        if not (claim_spec.checks or claim_spec.untestable or claim_spec.pending or claim_spec.corrected):
            message = f"claim {claim_spec.id} names no check; list its `checks`, or say why in `untestable` or `pending`"
            issues.append(_issue(origin, message))
        if claim_spec.section is not None and claim_spec.section not in sections:
            message = f"claim {claim_spec.id}: the report has no section {claim_spec.section!r}; "
            message += nearest(claim_spec.section, sections)
            issues.append(_issue(_origin(path, (*claim_path, "section"), lines), message))
        claims[claim_spec.id] = Claim(
            id=claim_spec.id,
            description=claim_spec.description,
            section=claim_spec.section,
            checks=_references(claim_spec.checks, path, (*claim_path, "checks"), lines),
            untestable=claim_spec.untestable,
            pending=claim_spec.pending,
            corrected=_correction(claim_spec.corrected, path, (*claim_path, "corrected"), lines),
            origin=origin,
        )
    raise_issues(issues)
    return tuple(claims.values())


def _correction(spec: CorrectionSpec | None, path: Path, key: KeyPath, lines: Mapping[KeyPath, int]) -> Correction | None:
    if spec is None:
        return None
    return Correction(description=spec.description, checks=_references(spec.checks, path, (*key, "checks"), lines))


def _references(written: list[str], path: Path, key: KeyPath, lines: Mapping[KeyPath, int]) -> tuple[CheckRef, ...]:
    references = []
    for index, reference in enumerate(written):
        check, bracket, subject = reference.partition("[")
        origin = _origin(path, (*key, index), lines)
        references.append(CheckRef(check=check, subject=subject[:-1] if bracket else None, origin=origin))
    return tuple(references)
