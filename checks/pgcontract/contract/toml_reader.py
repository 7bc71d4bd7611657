"""Reads the TOML files an owner writes: declarations with their lines, or one ContractError that lists every error."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from pgcontract.contract.claims import Claim, ClaimsSpec, claim_mistakes
from pgcontract.contract.declared_value import with_places
from pgcontract.contract.inheritance import Declarations, read_declarations
from pgcontract.contract.report_outline import default_outline
from pgcontract.contract.section import contradiction_issues
from pgcontract.contract.toml_positions import KeyPath, key_lines, line_of
from pgcontract.contract.validation_errors import (
    ValidationIssue,
    pydantic_issues,
    raise_issues,
    spell_path,
)
from pgcontract.errors import ContractError, InputError
from pgcontract.model.input_file import is_there, read_bytes
from pgcontract.result.outline import Outline
from pgcontract.result.source_file import SourceFile
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.contract.documents import ContractSpec

S = TypeVar("S", bound=BaseModel)

_ERROR_POSITION: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")

# tomllib takes four times as long for twice as many parts.
_DEEP_KEY: Final = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){50}""")
_NUL: Final = re.compile(r"\\u0000|\\U00000000")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One contract.toml with the claims beside it, as far as it can be read without the contracts before it; `files` are
    those two, of no migration yet."""

    path: Path
    spec: ContractSpec
    declarations: Declarations
    lines: Mapping[KeyPath, int]
    claims: tuple[Claim, ...]
    files: tuple[SourceFile, ...]


def read_contract(path: Path, *, claims: Path | None = None, outline: Outline | None = None) -> Document:
    """One contract; `claims` is the claims.toml that goes with it, if it is there, whose claims stand in `outline`."""
    return parse_contract(read_toml_text(path), path=path, claims=claims, outline=outline)


def parse_contract(text: str, *, path: Path, claims: Path | None = None, outline: Outline | None = None) -> Document:
    """The contract that this text is, as if it stood in the file at `path`."""
    from pgcontract.contract.documents import WholeContractSpec  # a run without a contract needs none of its models

    spec, lines = _parse(text, path, WholeContractSpec)
    issues: list[ValidationIssue] = []
    declarations = read_declarations(spec, file=str(path), lines=lines, issues=issues)
    issues += contradiction_issues(spec.sections, file=str(path), lines=lines)
    stated = _read_claims(claims, outline or default_outline()) if claims and is_there(claims) else ()
    raise_issues(issues)
    files = [_source("contract", path, text)]
    if claims and is_there(claims):
        files.append(_source("claims", claims, read_toml_text(claims)))
    return Document(path=path, spec=spec, declarations=declarations, lines=lines, claims=stated, files=tuple(files))


def read_toml(path: Path, model: type[S], *, role: str) -> tuple[S, Mapping[KeyPath, int], tuple[SourceFile, ...]]:
    """A file of any other model, with the lines of its keys, and itself as a file that plays this role."""
    text = read_toml_text(path)
    spec, lines = _parse(text, path, model)
    return spec, lines, (_source(role, path, text),)


def _source(role: str, path: Path, text: str) -> SourceFile:
    return SourceFile(role=role, path=str(path), sha256=sha256(text.encode()).hexdigest())


def parse_table(
    text: str, path: Path, model: type[BaseModel] | None = None, *, under: KeyPath = ()
) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    """The TOML of the table `under` of a file, with the line of each of its keys; ContractError where it is no table that
    the model takes."""
    with _not_too_deep(text, path):
        whole, lines = _read(text, path)
        document: Any = whole
        for step in under:
            document = document.get(step, {}) if isinstance(document, dict) else document
        if not isinstance(document, dict):
            line = line_of(under, lines)
            raise ContractError(f"{spell_path(under)}: expected a table of keys", file=str(path), line=line)
        lines = {key[len(under) :]: line for key, line in lines.items() if key[: len(under)] == under and key != under}
        if model is not None:
            _validate(document, lines, path, model)
        return document, lines


def _parse(text: str, path: Path, model: type[S]) -> tuple[S, Mapping[KeyPath, int]]:
    with _not_too_deep(text, path):
        document, lines = _read(text, path)
        return _validate(document, lines, path, model), lines


@contextmanager
def _not_too_deep(text: str, path: Path) -> Iterator[None]:
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise ContractError("a key of more than 50 parts is read by nobody; mend the line", file=str(path), line=line)
    try:
        yield
    except RecursionError:
        raise ContractError("tables or arrays stand too deep within each other", file=str(path), line=None) from None


def _read(text: str, path: Path) -> tuple[dict[str, Any], Mapping[KeyPath, int]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _ERROR_POSITION.search(str(error))
        line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
        what = _ERROR_POSITION.sub("", str(error))
        if "overwrite" in what or "twice" in what:
            what += ", since what this line names is there already"
        raise ContractError(f"this is not TOML: {what}. Mend the line", file=str(path), line=line) from None
    if (nul := _NUL.search(text)) and _holds_nul(document):
        line = text.count("\n", 0, nul.start()) + 1
        raise ContractError("\\u0000 is a character that PostgreSQL has in no text; remove it", file=str(path), line=line)
    return document, key_lines(text)


def _validate(document: dict[str, Any], lines: Mapping[KeyPath, int], path: Path, model: type[S]) -> S:
    try:
        placed = with_places(model, document, file=str(path), lines=lines)
        return model.model_validate(placed, by_alias=True, by_name=False)
    except ValidationError as error:
        raise_issues(pydantic_issues(error.errors(), model, file=str(path), lines=lines))
        raise


def _holds_nul(value: object) -> bool:
    """Whether a text in it has the character, at which the client's library would cut an SQL text off."""
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(part) for item in value.items() for part in item)
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def read_toml_text(path: Path) -> str:
    """The file as text. Raises InputError where it cannot be read, ContractError where it is no UTF-8."""
    try:
        raw = read_bytes(path)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}. Check the path and its permissions", file=str(path)
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ContractError("this is not UTF-8 text; save it as UTF-8", file=str(path), line=line) from None


def _read_claims(path: Path, outline: Outline) -> tuple[Claim, ...]:
    spec, lines = _parse(read_toml_text(path), path, ClaimsSpec)
    sections = [section.id for section in outline.sections]
    raise_issues(
        ValidationIssue(file=str(path), line=line_of(key, lines), message=message)
        for key, message in claim_mistakes(spec.claim, sections)
    )
    return spec.claim
