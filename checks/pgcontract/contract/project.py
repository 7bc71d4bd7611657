"""A chain of migrations with what is promised of each, from any path that an owner may name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pgcontract.contract.column_formats import undeclared
from pgcontract.contract.datasets import Dataset, dataset_mistakes, merged
from pgcontract.contract.flows import flow_mistakes
from pgcontract.contract.inheritance import Words, inherit
from pgcontract.contract.layouts.flat import Script, find, in_order, read_script, read_scripts
from pgcontract.contract.presence import tie_mistakes
from pgcontract.contract.queries import undeclared_names
from pgcontract.contract.races import race_mistakes
from pgcontract.contract.schema_parts import make_schema, make_shape
from pgcontract.contract.state_machines import machine_mistakes
from pgcontract.contract.timestamps import clock_mistakes
from pgcontract.contract.toml_reader import Document, read_contract, read_project_file
from pgcontract.contract.validation_errors import Mistake, fail, nearest, refuse
from pgcontract.contract.values import Contract, Shape
from pgcontract.errors import InputError
from pgcontract.model.schema import Origin, Schema

PROJECT_FILE = "pgcontract.toml"
CONTRACT_FILE = "contract.toml"
CLAIMS_FILE = "claims.toml"
PROJECT_REF = "PGCONTRACT_PROJECT_REF"


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One migration of the chain. `id` is its digits as written ("020"); `down` is its way back."""

    id: str
    stem: str
    path: Path
    down: Path | None = None
    contract: Contract | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """A chain, oldest first, and what holds for all of it. `postgres` is production's major, if it is said."""

    root: Path
    platform: str = "postgres"
    postgres: int | None = None
    locale: str | None = None
    document: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    chain: tuple[Migration, ...]
    shapes: Mapping[str, Shape] = field(default_factory=dict, repr=False)

    @property
    def head(self) -> Migration:
        """The last migration: what is deployed."""
        return self.chain[-1]

    def migration(self, name: str) -> Migration:
        """The one somebody names by its digits, stem or file name. Raises InputError if there is none."""
        scripts = [Script(id=each.id, stem=each.stem, path=each.path, down=each.down) for each in self.chain]
        found = find(name, scripts)
        if found is None:
            hint = nearest(name, [each.stem for each in self.chain])
            raise InputError(f"no migration is called {name!r}; {hint}", file=str(self.root))
        return self.chain[scripts.index(found)]

    def through(self, name: str) -> Project:
        """The same project with its head at that migration."""
        last = self.chain.index(self.migration(name))
        return replace(self, chain=self.chain[: last + 1])

    def declared(self, stem: str) -> Schema:
        """Everything that is declared up to and including that migration."""
        return self.shapes[stem].schema

    def shape(self, stem: str) -> Shape:
        """The same with what all CHECKs mean and a sample row for each table that has one."""
        return self.shapes[stem]

    def dataset(self, stem: str) -> Dataset:
        """The rows to measure on: the data sets up to and including that migration's, a later one's words winning."""
        last = next(number for number, each in enumerate(self.chain) if each.stem == stem)
        said = (each.contract.dataset if each.contract else None for each in self.chain[: last + 1])
        return merged(said, self.declared(stem))


def load_project(path: Path | str, *, contract: Path | str | None = None) -> Project:
    """The project that a path names: a project, a folder of .sql files, or one .sql file.

    A project has `contracts/` or pgcontract.toml beside `migrations/`; its migrations folder, or a file in it,
    names the project too, a file with that migration as its head. Elsewhere a contract is looked for beside the file,
    as `<stem>.contract.toml`; `contract` names it outright, and then the file is a chain of its own.
    Raises InputError or ContractError, with file, line and remedy.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            "there is no such file or folder; name a project, a folder of .sql files, or one .sql file",
            file=str(path),
        )
    if contract is not None:
        if path.is_dir():
            raise InputError(
                "a contract of its own goes with one .sql file; name the file instead of the folder", file=str(path)
            )
        return _bare([read_script(_sql(path))], path.parent, {path.name: Path(contract)})
    if path.is_dir():
        if _is_project(path):
            return _project(path)
        if root := _project_around(path):
            return _project(root)
        return _bare(read_scripts(path), path, {})
    script = read_script(_sql(path))
    if root := _project_around(path.parent):
        return _project(root).through(path.name)
    return _bare([script], path.parent, {})


def _is_project(folder: Path) -> bool:
    return (folder / "contracts").is_dir() or (folder / PROJECT_FILE).is_file() or (folder / "migrations").is_dir()


def _project_around(folder: Path) -> Path | None:
    """The project whose migrations folder this is, if it is one."""
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links, and so lose the name
    if whole.name != "migrations" or not _is_project(whole.parent):
        return None
    return whole.parent if folder.is_absolute() else Path(os.path.relpath(whole.parent))


def _sql(path: Path) -> Path:
    if path.suffix != ".sql" or path.name.endswith(".down.sql"):
        what = "is a way back; name the migration it belongs to" if path.suffix == ".sql" else "is no .sql file"
        raise InputError(what, file=str(path))
    return path


def _project(root: Path) -> Project:
    scripts = read_scripts(root / "migrations")
    files = sorted((root / "contracts").glob(f"*/{CONTRACT_FILE}"))
    for claims in sorted((root / "contracts").glob(f"*/{CLAIMS_FILE}")):
        if claims.with_name(CONTRACT_FILE) not in files:
            fail(f"claims need a {CONTRACT_FILE} beside them", file=str(claims), line=None)
    settings = read_project_file(root / PROJECT_FILE)
    documents = [read_contract(each, claims=each.with_name(CLAIMS_FILE)) for each in files]
    chain, shapes = _fold(scripts, documents)
    return Project(
        root=root,
        platform=settings.production.platform,
        postgres=settings.production.postgres,
        locale=settings.production.locale,
        document=_document(settings.document.model_dump(exclude_unset=True)),
        seed=settings.seed,
        chain=chain,
        shapes=shapes,
    )


def _bare(scripts: list[Script] | tuple[Script, ...], root: Path, named: Mapping[str, Path]) -> Project:
    """Migrations without a project: on plain PostgreSQL, each with the contract beside it, if it has one."""
    documents = []
    for script in scripts:
        beside = named.get(script.path.name, script.path.with_name(f"{script.stem}.{CONTRACT_FILE}"))
        if script.path.name in named or beside.is_file():
            claims = beside.with_name(beside.name.removesuffix(CONTRACT_FILE) + CLAIMS_FILE)
            documents.append(read_contract(beside, claims=claims if beside.name.endswith(CONTRACT_FILE) else None))
    chain, shapes = _fold(scripts, documents)
    return Project(root=root, document=_document({}), chain=chain, shapes=shapes)


def _document(said: Mapping[str, Any]) -> dict[str, str]:
    ref = os.environ.get(PROJECT_REF)
    return {**said, **({"project_ref": ref} if ref else {})}


def _fold(
    scripts: list[Script] | tuple[Script, ...], documents: list[Document]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The chain in its order, each migration's contract inheriting from those before it."""
    own: dict[str, Document] = {}
    for each in documents:
        name = each.spec.migration
        script = next((every for every in scripts if every.path.name == name), None)
        line = each.lines.get(("migration",))
        if script is None:
            hint = nearest(name, [every.path.name for every in scripts])
            fail(f"migration = {name!r} is no file that is there; {hint}", file=str(each.path), line=line)
        if script.stem in own:
            fail(
                f"{name} has a contract already, {own[script.stem].path}; keep one of the two",
                file=str(each.path),
                line=line,
            )
        own[script.stem] = each
    after = {
        stem: (each.spec.after, f"{each.path}:{each.lines[('after',)]}") for stem, each in own.items() if each.spec.after
    }
    chain, shapes, words, shape = [], {}, Words(), Shape()
    for script in in_order(scripts, after):
        contract = None
        if script.stem in own:
            words, shape, contract = _add(words, shape, own[script.stem])
        shapes[script.stem] = shape
        chain.append(Migration(id=script.id, stem=script.stem, path=script.path, down=script.down, contract=contract))
    return tuple(chain), shapes


def _add(before: Words, shape_before: Shape, document: Document) -> tuple[Words, Shape, Contract]:
    """What is declared once this contract is added."""
    file, spec = str(document.path), document.spec
    mistakes: list[Mistake] = []
    words = inherit(before, document.words, mistakes)
    shape = make_shape(words, mistakes)
    mistakes += undeclared(document.languages, shape.schema, document.lines)
    mistakes += machine_mistakes(document.machines, shape.schema, document.lines)
    mistakes += clock_mistakes(document.clocks, shape.schema, document.lines)
    mistakes += tie_mistakes(document.ties, shape.schema, document.lines)
    mistakes += flow_mistakes(document.flows, shape.schema, document.lines)
    mistakes += race_mistakes(document.races, shape.schema, document.lines)
    mistakes += undeclared_names(document.queries, shape.schema, document.lines)
    mistakes += dataset_mistakes(document.dataset, shape.schema)
    refuse(mistakes)
    names = {(each.kind, each.name) for each in shape.schema.parts()}
    contract = Contract(
        path=file,
        migration=spec.migration,
        after=spec.after,
        accepted=spec.accepted,
        comments=spec.comments,
        document=spec.document.model_dump(exclude_unset=True) if spec.document else {},
        file=document.pins,
        declared=make_schema(each for each in shape.schema.parts() if each.origin and each.origin.file == file),
        removed=tuple(
            (each.kind, each.name) for each in shape_before.schema.parts() if (each.kind, each.name) not in names
        ),
        examples=tuple(each for each in shape.examples if each.origin and each.origin.file == file),
        samples=shape.samples,
        verifications=document.verifications,
        languages=document.languages,
        machines=document.machines,
        clocks=document.clocks,
        ties=document.ties,
        prior_rows=document.prior_rows,
        flows=document.flows,
        races=document.races,
        queries=document.queries,
        dataset=document.dataset,
        waivers=document.waivers,
        claims=document.claims,
        origin=Origin(file=file, line=1),
    )
    return words, shape, contract
