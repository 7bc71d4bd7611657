"""Which statement of the chain a finding is about, and so by what it is known from run to run. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from pgcontract.contract import FindingKey, Migration, Project
from pgcontract.model.identifiers import read_identifier
from pgcontract.model.qualified_name import split_name
from pgcontract.model.sql import Script, Statement, digest_of_script, digest_of_statements, inventory
from pgcontract.probes.script_words import names_in_code
from pgcontract.result import Finding
from pgcontract.result.secrets import mask_secrets
from pgcontract.rules.registry import checks
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class StatementPlace:
    """The statements that a finding is about, several where one line has them all, in the script of a migration."""

    migration: Migration
    script: Script
    statements: tuple[Statement, ...]


class FindingPlaces:
    """Findings looked up in the texts of a chain."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._places: dict[tuple[str, object], StatementPlace | None] = {}
        self._spoken_of: dict[str, StatementPlace | None] = {}

    def key(self, finding: Finding) -> FindingKey:
        """A finding of the head's state is about the statement that made its subject, whatever the head is by now."""
        place = self.statement(finding)
        if place is not None:
            migration, statement = place.migration.key, digest_of_statements(place.statements)
        elif finding.origin is None and checks()[finding.check].head:
            migration = statement = ""
        else:
            migration, statement = finding.migration, self._script_digests.get(finding.migration, "")
        subject = mask_secrets(finding.subject, self._project.masked)  # as reports have it, and the baseline
        return FindingKey(check=finding.check, subject=subject, migration=migration, statement=statement)

    def home(self, finding: Finding) -> str:
        """The key of the migration that a finding is of, for a waiver to stand in its contract: of what is told of the
        head's state, the one that made its subject, whatever the head is by now."""
        if not checks()[finding.check].head:
            return finding.migration
        place = self.statement(finding)
        return place.migration.key if place is not None else finding.migration

    def statement(self, finding: Finding) -> StatementPlace | None:
        """The statement at its origin, else, where it is told of the head, the last that made what its subject names, or
        the first that speaks of it; None where it is about no one statement."""
        if finding.origin is not None:
            return self._at(finding.migration, finding.origin.file, finding.origin.line, finding.origin.column)
        if checks()[finding.check].head:
            return self._making(finding.subject) or self._speaking_of(finding.subject)
        return None

    def _speaking_of(self, subject: str) -> StatementPlace | None:
        """The first statement with its name behind the last that drops it: what a DO block or a function makes."""
        if subject not in self._spoken_of:
            names = [read_identifier(part) for part in split_name(subject.partition("(")[0])[0][1:]]
            place = None
            for migration in self._project.chain if names else ():
                for statement in migration.up.statements:
                    if all(names_in_code(statement.text, name) for name in names):
                        if "DROP" in statement.words:
                            place = None
                        elif place is None:
                            place = StatementPlace(migration=migration, script=migration.up, statements=(statement,))
            self._spoken_of[subject] = place
        return self._spoken_of[subject]

    def _at(self, key: str, file: str, line: int | None, column: int | None) -> StatementPlace | None:
        asked = (file, line, column)
        if (key, asked) not in self._places:
            own_first = sorted(self._project.chain, key=lambda migration: migration.key != key)
            places = (_find(migration, file, line, column) for migration in own_first if line is not None)
            self._places[key, asked] = next(filter(None, places), None)
        return self._places[key, asked]

    def _making(self, subject: str) -> StatementPlace | None:
        return self._created.get(subject) or self._created.get(subject.partition(" ")[2])

    @cached_property
    def _created(self) -> dict[str, StatementPlace]:
        made = {}
        for migration in self._project.chain:
            for created in inventory(migration.up).created:
                if place := _find(migration, created.file or migration.up.path, created.line, None):
                    made[created.name] = place
        return made

    @cached_property
    def _script_digests(self) -> dict[str, str]:
        return {migration.key: digest_of_script(migration.up) for migration in self._project.chain}


def _find(migration: Migration, file: str, line: int, column: int | None) -> StatementPlace | None:
    for script in (migration.up, migration.down):
        if script is not None and (held := tuple(_holding(script, file, line, column))):
            return StatementPlace(migration=migration, script=script, statements=held)
    return None


def _holding(script: Script, file: str, line: int, column: int | None) -> Iterator[Statement]:
    """The statements of that line; with a column the one that stands there."""
    own = [
        statement
        for statement in script.statements
        if (statement.path or script.path) == file and statement.line <= line <= _last_line(statement)
    ]
    before = [statement for statement in own if column is None or (statement.line, statement.column) <= (line, column)]
    opening = [statement for statement in before if statement.line == line]
    if column is None:
        yield from opening or own
    else:
        yield from before[-1:] or own[:1]


def _last_line(statement: Statement) -> int:
    return statement.line + statement.shown.count("\n")
