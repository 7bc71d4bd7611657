"""Reads the TOML files an owner writes: words with their places, or one ContractError that lists every mistake."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from pgcontract.contract.column_formats import DeclaredLanguage, read_languages
from pgcontract.contract.datasets import Dataset, read_dataset
from pgcontract.contract.documents import ClaimsSpec, ContractSpec, CorrectionSpec, ProjectSpec, VerificationSpec
from pgcontract.contract.existing_rows import PriorRows, read_prior_rows
from pgcontract.contract.flows import Flow, read_flows
from pgcontract.contract.inheritance import Words, words_of
from pgcontract.contract.presence import Tie, read_ties
from pgcontract.contract.queries import Query, read_queries
from pgcontract.contract.races import Race, read_races
from pgcontract.contract.state_machines import Machine, read_machines
from pgcontract.contract.timestamps import Clock, read_clocks
from pgcontract.contract.toml_positions import KeyPath, line_of, locate
from pgcontract.contract.validation_errors import Mistake, nearest, read_mistakes, refuse
from pgcontract.contract.values import CheckRef, Claim, Correction, FilePins, Verification, Waiver
from pgcontract.errors import ContractError, InputError
from pgcontract.model.schema import Origin

S = TypeVar("S", bound=BaseModel)

_PLACE: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One contract.toml with the claims beside it, as far as it can be read without the contracts before it."""

    path: Path
    spec: ContractSpec
    words: Words
    lines: Mapping[KeyPath, int]
    verifications: tuple[Verification, ...]
    languages: tuple[DeclaredLanguage, ...]
    machines: tuple[Machine, ...]
    clocks: tuple[Clock, ...]
    ties: tuple[Tie, ...]
    prior_rows: tuple[PriorRows, ...]
    flows: tuple[Flow, ...]
    races: tuple[Race, ...]
    queries: tuple[Query, ...]
    dataset: Dataset | None
    waivers: tuple[Waiver, ...]
    pins: FilePins | None
    claims: tuple[Claim, ...]


def read_contract(path: Path, *, claims: Path | None = None) -> Document:
    """One contract; `claims` is the claims.toml that goes with it, if it is there."""
    spec, lines = _read(path, ContractSpec)
    mistakes: list[Mistake] = []
    words = words_of(spec, file=str(path), lines=lines, mistakes=mistakes)
    verifications = tuple(
        _verification(each, _origin(path, ("verification", index), lines)) for index, each in enumerate(spec.verification)
    )
    mistakes += _query_mistakes(verifications)
    document = Document(
        path=path,
        spec=spec,
        words=words,
        lines=lines,
        verifications=verifications,
        languages=read_languages(spec.language, file=str(path), lines=lines, mistakes=mistakes),
        machines=read_machines(spec.machine, file=str(path), lines=lines, mistakes=mistakes),
        clocks=read_clocks(spec.clock, file=str(path), lines=lines, mistakes=mistakes),
        prior_rows=read_prior_rows(spec.rows, file=str(path), lines=lines, mistakes=mistakes),
        ties=read_ties(spec.tie, file=str(path), lines=lines, mistakes=mistakes),
        flows=read_flows(spec.flow, file=str(path), lines=lines, mistakes=mistakes),
        races=read_races(spec.race, file=str(path), lines=lines, mistakes=mistakes),
        queries=read_queries(spec.query, file=str(path), lines=lines, mistakes=mistakes),
        dataset=read_dataset(spec.dataset, file=str(path), lines=lines, mistakes=mistakes),
        waivers=tuple(
            Waiver(**dict(each), origin=_origin(path, ("waiver", index), lines)) for index, each in enumerate(spec.waiver)
        ),
        pins=FilePins(**dict(spec.file), origin=_origin(path, ("file",), lines)) if spec.file else None,
        claims=_read_claims(claims) if claims and claims.exists() else (),
    )
    refuse(mistakes)
    return document


def read_project_file(path: Path) -> ProjectSpec:
    """pgcontract.toml, or what holds where there is none."""
    return _read(path, ProjectSpec)[0] if path.exists() else ProjectSpec.model_validate({})


def _read(path: Path, model: type[S]) -> tuple[S, Mapping[KeyPath, int]]:
    text = _text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
        what = _PLACE.sub("", str(error))
        if "overwrite" in what or "twice" in what:
            what += ", since what this line names is there already"
        raise ContractError(f"this is not TOML: {what}. Mend the line", file=str(path), line=line) from None
    lines = locate(text)
    try:
        return model.model_validate(document), lines
    except ValidationError as error:
        refuse(read_mistakes(error.errors(), model, file=str(path), lines=lines))
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


def _verification(spec: VerificationSpec, origin: Origin) -> Verification:
    return Verification(
        id=spec.id,
        says=spec.says,
        sql=spec.sql,
        expect=None if spec.expect is None else tuple(map(tuple, spec.expect)),
        row_count=spec.row_count,
        columns=None if spec.columns is None else tuple(spec.columns),
        varies=tuple(spec.varies),
        blind=spec.blind,
        after=spec.after,
        origin=origin,
    )


def _query_mistakes(verifications: tuple[Verification, ...]) -> list[Mistake]:
    """An id that is there twice, and an `after` that does not name an earlier query."""
    mistakes, earlier = [], list[str]()
    for each in verifications:
        if each.id in earlier:
            mistakes.append(_mistake(each.origin, f"verification {each.id} is there twice; give each its own id"))
        if each.after is not None and each.after not in earlier:
            hint = nearest(each.after, earlier)
            mistakes.append(
                _mistake(each.origin, f"verification {each.id}: after = {each.after!r} is no query above it; {hint}")
            )
        earlier.append(each.id)
    return mistakes


def _mistake(origin: Origin | None, message: str) -> Mistake:
    return Mistake(file=origin.file if origin else "", line=origin.line if origin else None, message=message)


def _read_claims(path: Path) -> tuple[Claim, ...]:
    spec, lines = _read(path, ClaimsSpec)
    claims: dict[str, Claim] = {}
    mistakes: list[Mistake] = []
    for index, each in enumerate(spec.claim):
        here: KeyPath = ("claim", index)
        origin = _origin(path, here, lines)
        if each.id in claims:
            first = claims[each.id].origin
            mistakes.append(
                _mistake(origin, f"claim {each.id} is there twice, first on line {first.line if first else '?'}")
            )
        if each.untestable and each.pending:
            mistakes.append(_mistake(origin, f"claim {each.id} is both untestable and pending; keep one of the two"))
        if not (each.checks or each.untestable or each.pending or each.corrected):
            message = f"claim {each.id} names no check; list its `checks`, or say why in `untestable` or `pending`"
            mistakes.append(_mistake(origin, message))
        claims[each.id] = Claim(
            id=each.id,
            says=each.says,
            checks=_references(each.checks, path, (*here, "checks"), lines),
            untestable=each.untestable,
            pending=each.pending,
            corrected=_correction(each.corrected, path, (*here, "corrected"), lines),
            origin=origin,
        )
    refuse(mistakes)
    return tuple(claims.values())


def _correction(spec: CorrectionSpec | None, path: Path, key: KeyPath, lines: Mapping[KeyPath, int]) -> Correction | None:
    if spec is None:
        return None
    return Correction(says=spec.says, checks=_references(spec.checks, path, (*key, "checks"), lines))


def _references(written: list[str], path: Path, key: KeyPath, lines: Mapping[KeyPath, int]) -> tuple[CheckRef, ...]:
    found = []
    for index, each in enumerate(written):
        check, bracket, subject = each.partition("[")
        origin = _origin(path, (*key, index), lines)
        found.append(CheckRef(check=check, subject=subject[:-1] if bracket else None, origin=origin))
    return tuple(found)
