"""The baseline: what was wrong before anybody asked, in a file that `--write-baseline` writes and people review."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from pgcontract.contract.declaration_models import Spec
from pgcontract.contract.toml_reader import read_toml
from pgcontract.contract.toml_writer import write_pairs, write_table
from pgcontract.contract.validation_errors import ValidationIssue, raise_issues
from pgcontract.errors import ContractError, InputError
from pgcontract.model.input_file import is_there, read_bytes
from pgcontract.result import Severity
from pgcontract.result.source_file import SourceFile
from pgcontract.values import dataclass

BASELINE_FILE: Final = "pgcontract-baseline.toml"
_FORMAT: Final = 1
_OPENING: Final = """\
# What was wrong when this file was written: it is counted, and decides nothing. What is new is told as ever.
# `pgcontract verify --write-baseline` writes it, `--prune-baseline` removes what applies no more.
"""


@dataclass(frozen=True, kw_only=True, order=True)
class FindingKey:
    """What a finding is known by from run to run: the check, its subject, the key of the migration that it is about, and
    the digest of the statement there; of the whole script where it is about no one statement. `migration` and `statement`
    are empty where it is about the head alone."""

    migration: str
    check: str
    subject: str
    statement: str


@dataclass(frozen=True, kw_only=True)
class BaselineEntry:
    """One finding that is known: how grave it was, how many findings there were of the key, and the sentence. `about` are
    the objects that it names, where one finding is about all that there are of a kind, and who may do what, where it is
    about that."""

    key: FindingKey
    severity: Severity
    times: int = 1
    about: tuple[str, ...] = ()
    sentence: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The file and its entries, in the order of their keys."""

    path: str
    entries: tuple[BaselineEntry, ...] = ()
    files: tuple[SourceFile, ...] = ()

    @property
    def name(self) -> str:
        return os.path.basename(self.path)  # noqa: PTH119 - a path as it was given


class _EntrySpec(Spec):
    check: str = Field(min_length=1, description="The check, as in `table.primary_key`.")
    subject: str = Field(description="The subject, exactly as findings name it.")
    migration: str = Field("", description="The key of the migration that it is about.")
    statement: str = Field("", pattern="^([0-9a-f]{16})?$", description="The digest of its statement, 16 digits.")
    severity: Literal["critical", "error", "warning", "info"] = Field(description="How grave it was.")
    times: Annotated[int, Field(ge=1)] = Field(1, description="How many findings there were of it.")
    about: list[str] = Field(
        default_factory=list,
        description="The objects it names, where it is about all of a kind; who may do what, where something is open.",
    )
    says: str = Field("", description="What was found, in a sentence.")


class _BaselineSpec(Spec):
    format: int = Field(description="The format of the file: 1.")
    finding: list[_EntrySpec] = Field(default_factory=list, description="What is known, one [[finding]] each.")


def read_baseline(path: Path) -> Baseline:
    """The file, whole. Raises InputError where it is missing, and ContractError, with its line, where it is no baseline,
    one of a later format, or damaged."""
    if not is_there(path):
        raise InputError("there is no such file; --write-baseline writes it, from what is wrong today", file=str(path))
    if path.is_dir():
        raise InputError("is a folder; name the file that --write-baseline wrote", file=str(path))
    _require_format(path)
    spec, lines, files = read_toml(path, _BaselineSpec, role="baseline")
    entries, issues = {}, []
    for place, entry in enumerate(spec.finding):
        key = FindingKey(migration=entry.migration, check=entry.check, subject=entry.subject, statement=entry.statement)
        line = lines.get(("finding", place))
        if key in entries:
            message = f"{entry.check}[{entry.subject}] is there twice; remove one"
            issues.append(ValidationIssue(file=str(path), line=line, message=message))
        severity = Severity(entry.severity)
        entries[key] = BaselineEntry(
            key=key,
            severity=severity,
            times=entry.times,
            about=tuple(entry.about),
            sentence=entry.says,
            line=line,
        )
    raise_issues(issues)
    return Baseline(path=str(path), entries=tuple(entries[key] for key in sorted(entries)), files=files)


def _require_format(path: Path) -> None:
    try:
        document = tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}; check its permissions", file=str(path)) from None
    except (ValueError, RecursionError):
        return  # the reader says what is wrong, and where
    written = document.get("format")
    if not isinstance(written, int) or isinstance(written, bool):
        raise ContractError(
            f"is no baseline of pgcontract: it has no `format = {_FORMAT}` at its top. Name another file",
            file=str(path),
        )
    if written != _FORMAT:
        raise ContractError(
            f"is a baseline of format {written}, and this pgcontract reads {_FORMAT}; use the version that wrote it, or "
            "a newer one",
            file=str(path),
        )


def baseline_text(entries: Iterable[BaselineEntry]) -> str:
    """The file of these entries: sorted, a block each, the same for the same entries."""
    blocks = [write_table(("finding",), _fields(entry), array=True) for entry in sorted(entries, key=lambda one: one.key)]
    return "\n".join((_OPENING + write_pairs({"format": _FORMAT}), *blocks))


def _fields(entry: BaselineEntry) -> dict[str, Any]:
    key = entry.key
    about = {"migration": key.migration, "statement": key.statement}
    return {
        "check": key.check,
        "subject": key.subject,
        **{name: value for name, value in about.items() if value},
        "severity": entry.severity.value,
        **({"times": entry.times} if entry.times > 1 else {}),
        **({"about": list(entry.about)} if entry.about else {}),
        "says": entry.sentence,
    }
