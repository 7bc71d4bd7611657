"""What holds for a folder of migrations: pgcontract.toml and [tool.pgcontract] of pyproject.toml, read as one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NoReturn

from pgcontract.contract.migration_folder import from_the_top
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.report_outline import default_outline, read_outline
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.contract.toml_reader import parse_table, read_toml_text
from pgcontract.contract.validation_errors import ValidationIssue, raise_contract_error, raise_issues, spell_path
from pgcontract.model.input_file import is_there, read_bytes, require_inside
from pgcontract.model.schema import Origin
from pgcontract.result.outline import Outline
from pgcontract.result.source_file import SourceFile
from pgcontract.values import dataclass

PROJECT_FILE: Final = "pgcontract.toml"
PYPROJECT: Final = "pyproject.toml"
TABLE: Final = ("tool", "pgcontract")

_REPOSITORY: Final = (".git", ".hg", ".jj")


@dataclass(frozen=True, kw_only=True)
class ConfigurationFile:
    """One file: what it says as TOML has it, and the line of each key, both without the table that it stands in."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    source: SourceFile


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the files say together (`spec`), with the report's outline; no key stands in two of them. `passed_over` are
    farther files of the same names, which say nothing here."""

    files: tuple[ConfigurationFile, ...] = ()
    spec: ProjectSpec = field(default_factory=lambda: ProjectSpec.model_validate({}))
    outline: Outline = field(default_factory=default_outline)
    passed_over: tuple[Path, ...] = ()

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        return tuple(file.source for file in self.files)

    def origin(self, *key: str | int) -> Origin | None:
        """Where a key stands, or the list or table that it is; None where no file says it."""
        for file in self.files:
            if key in file.lines or _says(file.values, key):
                return Origin(file=str(file.path), line=line_of(key, file.lines))
        return None

    def file_of(self, *key: str | int) -> ConfigurationFile | None:
        """The file that says the key."""
        return next((file for file in self.files if _says(file.values, key)), None)

    def name_of(self, *key: str | int) -> str:
        """What that file is called."""
        file = self.file_of(*key)
        return file.path.name if file else PROJECT_FILE

    def raise_mistake(self, key: KeyPath, message: str) -> NoReturn:
        """Raises ContractError at the line of a key."""
        place = self.origin(*key) or Origin(file=PROJECT_FILE)
        raise_contract_error(f"{spell_path(key)}: {message}", file=place.file, line=place.line)


def read_configuration(folder: Path) -> Configuration:
    """What holds for a folder: the nearest pgcontract.toml and the nearest pyproject.toml with [tool.pgcontract], in it
    or above it, as far up as its repository goes. Outside of a repository they are looked for up to the working folder,
    where that is above it, else in the folder alone; never above the home folder. Raises ContractError, with file and
    line, for a key that both have and for every other mistake."""
    found: dict[str, ConfigurationFile] = {}
    passed_over: list[Path] = []
    around = list(places(folder))
    for place in around:
        for name in (PYPROJECT, PROJECT_FILE):
            path = place / name
            if _is_configuration(path, within=around[-1]):
                if name in found:
                    passed_over.append(path)
                else:
                    found[name] = _read(path)
    files = tuple(found[name] for name in (PYPROJECT, PROJECT_FILE) if name in found)
    issues: list[ValidationIssue] = []
    values: dict[str, Any] = {}
    for file in files:
        values = _merged(values, file, files[0], issues)
    raise_issues(issues)
    # Where nothing is configured no validator is built, which would take longer than the rest of it.
    spec = ProjectSpec.model_validate(values, by_alias=True, by_name=False) if values else ProjectSpec.model_construct()
    configuration = Configuration(files=files, spec=spec, passed_over=tuple(passed_over))
    reported = configuration.file_of("report")
    if reported is None:
        return configuration
    outline = read_outline(spec.report, file=str(reported.path), lines=reported.lines, issues=issues)
    raise_issues(issues)
    return Configuration(files=files, spec=spec, outline=outline, passed_over=tuple(passed_over))


def places(folder: Path) -> Iterator[Path]:
    """The folder and those above it that may configure it, each as its owner would type it."""
    top = from_the_top(folder)
    above = [top, *top.parents]
    repository = _repository(above)
    working = from_the_top(Path())
    bound = repository or (working if working in above else top)
    home = from_the_top(Path(os.environ.get("HOME") or "/"))
    if home in above and home not in (top, Path("/")):
        bound = max(bound, home, key=lambda place: len(place.parts))
    yield folder
    for place in above[1 : above.index(bound) + 1]:
        yield place if folder.is_absolute() else Path(os.path.relpath(place))


def place_in_repository() -> str:
    """The working folder below the top of its repository; empty at the top, and outside of one."""
    working = from_the_top(Path())
    top = _repository([working, *working.parents])
    return "" if top in (None, working) else working.relative_to(top).as_posix()


def _repository(above: Iterable[Path]) -> Path | None:
    return next((place for place in above if any(is_there(place / name) for name in _REPOSITORY)), None)


def _is_configuration(path: Path, *, within: Path) -> bool:
    if not is_there(path):
        return False
    if path.name == PROJECT_FILE:
        require_inside(path, within)
        return True
    # Another's file is not read as TOML to find that it does not speak of us.
    if not path.is_file() or b"pgcontract" not in read_bytes(path):
        return False
    require_inside(path, within)
    return _says(_read_whole(path)[0], TABLE)


def _read_whole(path: Path) -> tuple[Any, Mapping[KeyPath, int]]:
    return parse_table(read_toml_text(path), path)


def _read(path: Path) -> ConfigurationFile:
    text = read_toml_text(path)
    under = TABLE if path.name == PYPROJECT else ()
    values, lines = parse_table(text, path, ProjectSpec, under=under)
    # Whatever else a pyproject.toml is about changes nothing here.
    digested = json.dumps(values, sort_keys=True, default=str) if under else text
    source = SourceFile(role="project", path=str(path), sha256=sha256(digested.encode()).hexdigest())
    return ConfigurationFile(path=path, values=values, lines=lines, source=source)


def _says(values: Any, key: KeyPath) -> bool:
    for step in key:
        if isinstance(step, int):
            if not isinstance(values, list) or not 0 <= step < len(values):
                return False
        elif not isinstance(values, Mapping) or step not in values:
            return False
        values = values[step]
    return True


def _merged(
    values: Mapping[str, Any],
    file: ConfigurationFile,
    first: ConfigurationFile,
    issues: list[ValidationIssue],
    under: KeyPath = (),
) -> dict[str, Any]:
    """The values with the file's; of tables key by key, and anything else that both have is an issue."""
    merged = dict(values)
    own: Any = file.values
    for step in under:
        own = own[step]
    for key, value in own.items():
        path = (*under, key)
        if key not in values:
            merged[key] = value
        elif isinstance(value, dict) and isinstance(values[key], dict):
            merged[key] = _merged(values[key], file, first, issues, path)
        else:
            other = Origin(file=str(first.path), line=line_of(path, first.lines))
            message = f"`{spell_path(path)}` is said at {other} too; keep one"
            issues.append(ValidationIssue(file=str(file.path), line=line_of(path, file.lines), message=message))
    return merged
