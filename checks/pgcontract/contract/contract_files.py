"""Where the contracts of a chain stand, and those that an owner wrote where nobody reads them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pgcontract.contract.configuration import PROJECT_FILE, places
from pgcontract.contract.folder_walk import walk
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import from_the_top
from pgcontract.contract.toml_reader import Document, read_contract
from pgcontract.contract.validation_errors import ValidationIssue, nearest, raise_issues
from pgcontract.model.input_file import is_there, require_inside
from pgcontract.result.outline import Outline
from pgcontract.values import dataclass

MIGRATIONS_FOLDER: Final = "migrations"
CONTRACTS_FOLDER: Final = "contracts"
CONTRACT_FILE: Final = "contract.toml"
CLAIMS_FILE: Final = "claims.toml"
_CALLED_LIKE_CONTRACTS: Final = ("contract", "contracts")


@dataclass(frozen=True, kw_only=True)
class ContractPlaces:
    """Where contracts of a folder of migrations are looked for: in `contracts/` of its project, None where it is in none,
    and beside each migration. With `alone`, one of its files is all that is asked about."""

    migrations: Path
    project: Path | None = None
    alone: bool = False

    def path(self, migration: Migration) -> Path:
        """Where a contract of the migration goes that is not written yet."""
        if self.project is None:
            return beside(migration)
        return self.project / CONTRACTS_FOLDER / file_name(migration.key) / CONTRACT_FILE

    def read(self, chain: Sequence[Migration], outline: Outline) -> list[Document]:
        """Every contract that is there. Raises ContractError for one, and for claims, that would be passed over."""
        inside = self.project or self.migrations
        files = [*self._in_folder(CONTRACT_FILE), *(file for one in chain if is_there(file := beside(one)))]
        claims = {file: file.with_name(file.name.removesuffix(CONTRACT_FILE) + CLAIMS_FILE) for file in files}
        for path in (*files, *claims.values()):
            require_inside(path, inside)
        self._raise_for_others(chain, {*files, *claims.values()})
        return [read_contract(file, outline=outline, claims=claims[file]) for file in files]

    def _in_folder(self, name: str) -> list[Path]:
        """Those of that name in the folders of contracts; one that is a link to nothing is not passed over."""
        folder = self.project / CONTRACTS_FOLDER if self.project else None
        folders = sorted(folder.iterdir()) if folder and folder.is_dir() else []
        for path in folders:
            require_inside(path, self.project or self.migrations)
        return [path / name for path in folders if is_there(path / name)]

    def _raise_for_others(self, chain: Sequence[Migration], read: set[Path]) -> None:
        """Nothing that an owner promised is passed over without a word."""
        known = {from_the_top(path) for path in read}
        others = dict.fromkeys(path for path in self._candidates() if from_the_top(path) not in known)
        issues = [issue for path in others if (issue := self._issue(path, chain)) is not None]
        raise_issues(issues)

    def _candidates(self) -> Iterator[Path]:
        """Files that may be contracts or claims: among the migrations, in the folder of the project, in one that is
        called like `contracts` beside or above them; not those of a project that lies within or around."""
        if self.alone:
            yield from (path for path in sorted(self.migrations.iterdir()) if _is_called_so(path.name))
            return
        yield from _below(self.migrations, is_contracts=False)
        above = [*([self.project] if self.project else []), *places(self.migrations)][0 if self.project else 1 :]
        for place in {from_the_top(place): place for place in reversed(above) if place != self.migrations}.values():
            is_own = self.project is not None and from_the_top(place) == from_the_top(self.project)
            if not is_own and (place / MIGRATIONS_FOLDER).is_dir():
                continue
            for entry in sorted(place.iterdir()):
                if entry.is_dir() and entry.name.lower() in _CALLED_LIKE_CONTRACTS:
                    yield from _below(entry, is_contracts=True)
                elif is_own and _is_called_so(entry.name):
                    yield entry

    def _issue(self, path: Path, chain: Sequence[Migration]) -> ValidationIssue | None:
        from pgcontract.contract.documents import WholeContractSpec

        keys = {field.alias or name for name, field in WholeContractSpec.model_fields.items()}
        document = _read(path)
        is_claims = path.name.lower().endswith(CLAIMS_FILE) or (document is not None and "claim" in document)
        named = document.get("migration") if document is not None else None
        migration = _named(str(named or path.name), path, chain)
        if document is not None and not (document.keys() & keys or is_claims or migration):
            return None  # somebody else's
        is_within = self.project is not None and from_the_top(path).is_relative_to(from_the_top(self.project))
        if migration is None and (self.alone or not (is_within or from_the_top(path).is_relative_to(self._top))):
            return None  # of other migrations, which are not asked about
        if isinstance(named, str) and (path.parent / named).is_file() and migration is None:
            return None  # of a file beside it, in a folder of its own
        message = "would be passed over: no contract of these migrations is looked for there"
        if is_claims and migration is None:
            message = f"claims need a {CONTRACT_FILE} beside them"
        elif migration is None:
            hint = nearest(str(named or path.name), [one.file for one in chain])
            message += f", and `migration = {named!r}` is no file that is there; {hint}" if named else f"; {hint}"
        else:
            place = self._place(migration, is_claims=is_claims)
            advice = "keep one of the two" if is_there(place) else f"move it there: {_move(path, place)}"
            message = f"would be passed over: what goes with {migration.file} is read from {place}; {advice}"
        return ValidationIssue(file=str(path), line=None, message=message)

    @property
    def _top(self) -> Path:
        return from_the_top(self.migrations)

    def _place(self, migration: Migration, *, is_claims: bool) -> Path:
        contract = beside(migration) if is_there(beside(migration)) else self.path(migration)
        return contract.with_name(contract.name.removesuffix(CONTRACT_FILE) + CLAIMS_FILE) if is_claims else contract


def beside(migration: Migration) -> Path:
    """The contract beside a migration's file."""
    return Path(migration.up.path).with_name(f"{file_name(migration.key)}.{CONTRACT_FILE}")


def file_name(key: str) -> str:
    """The key of a file in a folder of its own says which folder that is."""
    return key.replace("/", "_")


def _below(folder: Path, *, is_contracts: bool) -> Iterator[Path]:
    for level in walk(folder):
        if level.path != folder and MIGRATIONS_FOLDER in level.folders:
            level.folders.clear()  # a project of its own
            continue
        yield from (level.path / name for name in level.files if _is_called_so(name, is_contracts=is_contracts))


def _is_called_so(name: str, *, is_contracts: bool = False) -> bool:
    """Whether a file may be a contract or claims; among contracts each .toml may."""
    name = name.lower()
    return name != PROJECT_FILE and name.endswith(".toml" if is_contracts else (CONTRACT_FILE, CLAIMS_FILE))


def _read(path: Path) -> dict[str, Any] | None:
    """What it says; None where it is no TOML, so that what it is goes by its name."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None


def _named(word: str, path: Path, chain: Sequence[Migration]) -> Migration | None:
    """The migration that a contract names, or that it or its folder is called by."""
    stem = path.name.lower().removesuffix(".toml").removesuffix(".contract").removesuffix(".claims")
    for one in chain:
        key = file_name(one.key)
        if word in (one.file, one.key) or stem == key.lower() or path.parent.name == key:
            return one
        if Path(one.up.path).parent == path.parent and from_the_top(path.parent).name == one.key:
            return one
    return None


def _move(path: Path, place: Path) -> str:
    folder = "" if place.parent.is_dir() else f"mkdir -p {place.parent} && "
    return f"{folder}mv {path} {place}"
