"""A chain of migrations in its order, each with the contract it has and all that is declared by then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pgcontract.contract.inheritance import Declarations, inherit
from pgcontract.contract.migration import Migration
from pgcontract.contract.renaming import declared_name, rename_declared, take_renames, without_renamed_away
from pgcontract.contract.retired import Retired, declared_as, retired_issues
from pgcontract.contract.schema_parts import make_schema, make_shape
from pgcontract.contract.section import undeclared_issues
from pgcontract.contract.toml_reader import Document
from pgcontract.contract.validation_errors import ValidationIssue, nearest, raise_contract_error, raise_issues
from pgcontract.contract.values import Contract, Shape
from pgcontract.errors import InputError
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Origin
from pgcontract.model.sql.renames import read_renames


def build_chain(
    migrations: Sequence[Migration], documents: Iterable[Document]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The migrations in their order with their contracts, and by key what is declared up to and including each."""
    by_key: dict[str, Document] = {}
    for document in documents:
        name = document.spec.migration
        migration = next((candidate for candidate in migrations if name in (candidate.file, candidate.key)), None)
        line = document.lines.get(("migration",))
        if migration is None:
            hint = nearest(name, [candidate.file for candidate in migrations])
            raise_contract_error(
                f"migration = {name!r} is no file that is there; {hint}", file=str(document.path), line=line
            )
        if migration.key in by_key:
            raise_contract_error(
                f"{name} has a contract already, {by_key[migration.key].path}; keep one of the two",
                file=str(document.path),
                line=line,
            )
        by_key[migration.key] = document
    return add_contracts(_order(migrations, by_key), by_key)


def add_contracts(
    chain: Iterable[Migration], documents: Mapping[str, Document]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The same chain with these contracts, by key, each inheriting from those before it; and what is declared by then."""
    declared, shapes, so_far = [], {}, DeclaredSoFar()
    for migration in chain:
        so_far.follow(migration)
        contract = so_far.add(documents[migration.key]) if migration.key in documents else None
        if contract is not None:
            files = tuple(replace(file, migration=migration.key) for file in contract.files)
            contract = replace(contract, files=files)
        shapes[migration.key] = so_far.shape
        declared.append(replace(migration, contract=contract))
    return tuple(declared), shapes


class DeclaredSoFar:
    """What the contracts of a chain declare, added one after another."""

    def __init__(self) -> None:
        self.shape = Shape()
        self._before = Shape()
        self._declarations = Declarations()
        self._sections: list[Retired] = []

    def follow(self, migration: Migration) -> None:
        """What is declared goes by the names that it has after this migration's renames."""
        self._before, renames = self.shape, []
        for rename in read_renames(migration.up) if self._declarations else ():
            if (named := declared_name(self._declarations, rename)) is not None:
                self._declarations = rename_declared(self._declarations, named)
                renames.append(named)
        if renames or self.shape.renames:
            shape = make_shape(self._declarations, []) if renames else self.shape
            self.shape = replace(shape, renames=tuple(renames))

    def add(self, document: Document) -> Contract:
        """The contract of the migration that was followed last, which inherits from those before it. Raises ContractError
        for what it cannot mean."""
        own, stated = take_renames(document.declarations)
        renames = self.shape.renames
        for rename in stated:
            if (named := declared_name(self._declarations, rename)) is not None:
                self._declarations = rename_declared(self._declarations, named)
                renames = (*renames, named)
        own = without_renamed_away(own, self._declarations, renames)
        document = replace(document, declarations=own)
        self._declarations, shape, contract = _add_contract(self._declarations, self._before, document)
        self.shape = replace(shape, renames=renames)
        raise_issues(retired_issues(contract.retired, self._sections, file=contract.path))
        self._sections += map(declared_as, contract.sections)
        return contract


def _order(migrations: Sequence[Migration], documents: Mapping[str, Document]) -> tuple[Migration, ...]:
    """As the layout has them, but each whose contract has an `after` right behind the one it names.

    Raises InputError for an `after` that names nothing, and for a circle.
    """
    after = {key: document for key, document in documents.items() if document.spec.after}
    followers: dict[str | None, list[Migration]] = {}
    for migration in migrations:
        previous = None
        if migration.key in after:
            previous = _predecessor(migrations, after[migration.key]).key
        followers.setdefault(previous, []).append(migration)
    ordered: list[Migration] = []

    def follow(previous: str | None) -> None:
        for migration in followers.get(previous, []):
            ordered.append(migration)
            follow(migration.key)

    follow(None)
    if circle := [migration.key for migration in migrations if migration not in ordered]:
        names = ", ".join(f"{key} after {after[key].spec.after}" for key in circle if key in after)
        raise InputError(
            f"these migrations wait for each other: {names}; take one `after` away", file=_place(after[circle[0]])
        )
    return tuple(ordered)


def _predecessor(migrations: Sequence[Migration], document: Document) -> Migration:
    word = document.spec.after or ""
    for migration in migrations:
        if migration.is_called(word):
            return migration
    hint = nearest(word, [candidate.key for candidate in migrations])
    raise InputError(f"after = {word!r} names no migration that is there; {hint}", file=_place(document))


def _place(document: Document) -> str:
    return f"{document.path}:{document.lines[('after',)]}"


def _add_contract(before: Declarations, shape_before: Shape, document: Document) -> tuple[Declarations, Shape, Contract]:
    """What is declared once this contract is added."""
    file, spec = str(document.path), document.spec
    issues: list[ValidationIssue] = []
    declarations = inherit(before, document.declarations, issues)
    shape = make_shape(declarations, issues)
    issues += undeclared_issues(spec.sections, shape.schema, file=file, lines=document.lines)
    raise_issues(issues)
    names = {(part.kind, part.name) for part in shape.schema.parts()}
    contract = Contract(
        path=file,
        files=document.files,
        migration=spec.migration,
        after=spec.after,
        accepted=spec.accepted,
        comments=spec.comments,
        promises=spec.promises,
        loses=tuple(str(QualifiedName.parse(name)) for name in spec.loses or ()),
        document=spec.document.model_dump(exclude_unset=True) if spec.document else {},
        file=spec.file,
        declared=make_schema(part for part in shape.schema.parts() if part.origin and part.origin.file == file),
        removed=tuple(
            (part.kind, part.name) for part in shape_before.schema.parts() if (part.kind, part.name) not in names
        ),
        examples=tuple(example for example in shape.examples if example.origin and example.origin.file == file),
        samples=shape.samples,
        sections=spec.sections,
        retired=spec.retired,
        claims=document.claims,
        origin=Origin(file=file, line=1),
    )
    return declarations, shape, contract
