"""What was answered at a migration's own place in an earlier run, kept where nothing is otherwise that could change it.

Asked anew is always what changed, what is judged at the head, and what had no answer. The key holds the chain up to the
migration and every contract of the project, for later ones take back, rename and claim; the server's programs, this
package's code, the options that a question is put with, and the day.
"""

from __future__ import annotations

import hashlib
import platform as machine
from collections.abc import Mapping
from functools import cache, cached_property

from pydantic import TypeAdapter, ValidationError

from pgcontract.postgres.platform import Platform
from pgcontract.postgres.providers import Server
from pgcontract.postgres.providers.local import answer_files
from pgcontract.result import Finding, Status
from pgcontract.result.observations import KeptAnswer
from pgcontract.rules.registry import Check, checks
from pgcontract.runner.kept_chain import (
    chosen_words,
    code_digest,
    contract_parts,
    has_foreign_code,
    migration_parts,
    script_parts,
    today,
)
from pgcontract.runner.plan import Plan

_ASKED_ANEW = frozenset(("lock", "rows"))  # what a Run shows of these besides findings is not kept


@cache
def _adapter() -> TypeAdapter[dict[str, tuple[Finding, ...]]]:
    """Made where something is kept: that costs as much as a small check."""
    return TypeAdapter(dict[str, tuple[Finding, ...]])


class KeptAnswers:
    """The answers of one run's plan on one server, read when they are first asked for. Those of one migration are
    written when the first of another comes, and the last by `write`: a run that is broken off goes on from there."""

    def __init__(self, plan: Plan, server: Server, platform: Platform) -> None:
        self._plan = plan
        self._server = server
        self._platform = platform
        self._known: dict[str, dict[str, tuple[Finding, ...]]] = {}
        self._new: set[str] = set()
        self._wrote = False
        self.taken: list[KeptAnswer] = []

    def are_for(self, key: str, check: Check) -> bool:
        """Whether the check's answers at the migration's own place may be kept, if they are definite."""
        project = self._plan.project
        scope = project.scope
        if scope is None or not self._are_possible:
            return False
        migration = project.migration(key)
        if migration is self._plan.head or key in scope.changes.every or migration in project.pending:
            return False
        # Of what has no contract, whether it applies is known by applying it.
        replays = check.replays and not (check.info.comes_first and migration.contract)
        whole = check.head or replays or check.info.family in _ASKED_ANEW
        return not whole and (check.behaviour or not check.measures)

    @cached_property
    def _are_possible(self) -> bool:
        """Whether the key can hold all that answers depend on."""
        own_server = self._server.bin_dir is not None and "own_server" in self._server.capabilities
        return own_server and not has_foreign_code()

    def answered(self) -> frozenset[str]:
        """The keys of the migrations of which no state is needed: every answer at their own place is here, and nothing
        that is asked at the head goes back to it."""
        if self._plan.project.scope is None or not self._are_possible:
            return frozenset()
        asked: dict[str, list[Check]] = {}
        known = checks()
        for key, check in self._plan.subjects:
            asked.setdefault(key, []).append(known[check])
        return frozenset(
            migration.key
            for migration in self._plan.project.chain
            if migration.contract
            and migration is not self._plan.head
            and migration.key not in self._plan.with_states
            and not self._plan.is_judged_whole(migration)
            and all(self._needs_no_state(migration.key, check) for check in asked.get(migration.key, ()))
        )

    def _needs_no_state(self, key: str, check: Check) -> bool:
        if check.head:
            return not check.measures
        if check.behaviour:
            return False
        if check.replays and not check.info.comes_first:
            return True  # it is asked of what is only applied as well
        return self.are_for(key, check) and check.id in self._answers(key)

    def read(self, key: str, check: Check) -> tuple[Finding, ...] | None:
        """What the check answered; None where it has to be asked."""
        found = self._answers(key).get(check.id)
        if found is not None:
            self.taken.append(KeptAnswer(migration=key, check=check.id))
        return found

    def keep(self, key: str, check: Check, findings: tuple[Finding, ...]) -> None:
        """Remember what was answered."""
        if key not in self._new:
            self._write_new()
        self._answers(key)[check.id] = findings
        self._new.add(key)

    def write(self) -> None:
        """Put what is new into the cache; one that cannot be written costs a later run its time."""
        self._write_new()
        if self._wrote:
            answer_files.keep_bound()
            self._wrote = False

    def _write_new(self) -> None:
        for key in sorted(self._new):
            answer_files.write(self.file_key(key), _adapter().dump_json(self._known[key], exclude_defaults=True))
            self._wrote = True
        self._new.clear()

    def _answers(self, key: str) -> dict[str, tuple[Finding, ...]]:
        if key not in self._known:
            self._known[key] = _parsed(answer_files.read(self.file_key(key)))
        return self._known[key]

    def file_key(self, key: str) -> str:
        """A hash of all that what is answered at the migration's own place depends on."""
        at = self._plan.project.places[key]
        before = self._plan.project.chain[:at]
        whole = [migration.key for migration in before if self._plan.is_judged_whole(migration)]  # met rows
        parts = (self._shared, self._before[at + 1], whole, sorted(self._chosen_words[at + 1]))
        return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()

    @cached_property
    def _before(self) -> tuple[str, ...]:
        """A hash of the first so many migrations, by their number."""
        digest = hashlib.sha256()
        hashes = [digest.hexdigest()]
        for migration in self._plan.project.chain:
            digest.update(repr(migration_parts(migration)).encode(errors="surrogatepass"))
            hashes.append(digest.hexdigest())
        return tuple(hashes)

    @cached_property
    def _chosen_words(self) -> tuple[frozenset[str], ...]:
        return chosen_words(self._plan)

    @cached_property
    def _shared(self) -> str:
        """A hash of what is the same for all migrations."""
        return hashlib.sha256(repr(self._shared_parts).encode(errors="surrogatepass")).hexdigest()

    @property
    def _shared_parts(self) -> Mapping[str, object]:
        project, options, server, platform = self._plan.project, self._plan.options, self._server, self._platform
        return {
            "code": (code_digest(), machine.python_version()),
            "day": today(),
            "server": (
                server.provider,
                server.version,
                server.version_num,
                server.storage,
                sorted(server.capabilities),
                server.bin_dir and answer_files.programs(server.bin_dir),
            ),
            "platform": (
                platform.name,
                platform.migrator,
                platform.roles,
                platform.service_roles,
                platform.regimes,
                platform.setup and (platform.setup.path, script_parts(platform.setup)),
            ),
            "options": (options.seed, options.examples, options.rows, options.timeout_ms, options.linters),
            "project": (
                str(project.root),
                project.layout,
                project.platform,
                project.postgres,
                project.locale,
                project.seed,
                project.exposed,
                sorted(project.table_rows.items()),
                repr(project.severities),
                project.knows_applied,
                [(file.role, file.path, file.sha256) for file in project.files],
                [(script.path, script_parts(script)) for script in (*project.seeds, *project.callbacks)],
            ),
            "contracts": contract_parts(self._plan),
        }


def are_definite(statuses: list[Status]) -> bool:
    """Whether there is an answer, and each says that something is so: what could not be asked may be another time."""
    return bool(statuses) and not {Status.UNKNOWN, Status.ERROR} & set(statuses)


def _parsed(text: bytes | None) -> dict[str, tuple[Finding, ...]]:
    try:
        return _adapter().validate_json(text) if text is not None else {}
    except ValidationError:
        return {}
