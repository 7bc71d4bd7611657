"""A chain's contracts in the names that things have at its head, where what they promise is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pgcontract.contract.migration import Migration
from pgcontract.contract.renamed_sections import renamed_section
from pgcontract.contract.renaming import rename_declared
from pgcontract.contract.retired import Retired, declared_as
from pgcontract.contract.schema_parts import make_schema, make_shape
from pgcontract.contract.section import Section
from pgcontract.contract.values import Shape
from pgcontract.model.sql.renames import Rename


def in_names_of_head(
    chain: Iterable[Migration], shapes: Mapping[str, Shape]
) -> tuple[tuple[Migration, ...], dict[str, Shape]]:
    """The chain and what is declared by then, each as later migrations renamed it, without the sections that later
    contracts took back; what none touched is as it was."""
    renames: tuple[Rename, ...] = ()
    retired: set[tuple[str, str]] = set()
    migrations: list[Migration] = []
    renamed = dict(shapes)
    behind: tuple[Shape, Iterable[Rename], Shape] | None = None  # the next migration's, before and after its renames
    for migration in reversed(tuple(chain)):
        before = shapes[migration.key]
        if renames:
            if behind and behind[0].declarations is before.declarations and behind[1] is renames:
                shape = behind[2]
            else:
                shape = _renamed_shape(before, renames)
            behind = before, renames, shape
            renamed[migration.key] = shape
            migration = _renamed_migration(migration, shape, before, renames)
        if migration.contract and retired:
            left = tuple(one for one in migration.contract.sections if _name(declared_as(one)) not in retired)
            if left != migration.contract.sections:
                migration = replace(migration, contract=replace(migration.contract, sections=left))
        if migration.contract:
            retired |= {_name(one) for one in migration.contract.retired}
        migrations.append(migration)
        if before.renames:
            renames = (*before.renames, *renames)
    return tuple(reversed(migrations)), renamed


def _name(retired: Retired) -> tuple[str, str]:
    return retired.section, retired.name


def _renamed_shape(shape: Shape, renames: Iterable[Rename]) -> Shape:
    declarations = dict(shape.declarations)
    for rename in renames:
        declarations = rename_declared(declarations, rename)
    return make_shape(declarations, [])


def _renamed_migration(migration: Migration, shape: Shape, before: Shape, renames: Iterable[Rename]) -> Migration:
    contract = migration.contract
    if contract is None:
        return migration
    sections: list[Section] = []
    for section in contract.sections:
        declarations = dict(before.declarations)
        for rename in renames:
            section = renamed_section(section, rename, declarations)
            declarations = rename_declared(declarations, rename)
        sections.append(section)
    own = make_schema(part for part in shape.schema.parts() if part.origin and part.origin.file == contract.path)
    examples = tuple(one for one in shape.examples if one.origin and one.origin.file == contract.path)
    return replace(
        migration,
        contract=replace(contract, declared=own, examples=examples, samples=shape.samples, sections=tuple(sections)),
    )
