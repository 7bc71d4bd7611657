"""Sorts the failures of a chain: which are causes, and which only follow from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

from pgcontract.contract import Migration
from pgcontract.model.sql import TransactionScope
from pgcontract.model.sql.copied_text import copied_text_advice
from pgcontract.model.sql.other_dialects import other_dialect_advice
from pgcontract.postgres.missing_features import MissingFeature, nearest_extension
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.executed.lacking import PLATFORM_CUTOFF, nearest_name
from pgcontract.probes.failure import Failure, FailureKind
from pgcontract.runner.chain_effects import ChainEffects
from pgcontract.runner.effects import read_effects, words_of
from pgcontract.runner.missing import Missing, read_missing
from pgcontract.runner.need import Need
from pgcontract.values import dataclass

_TABLES: Final = frozenset({"relation", "table", "view", "materialized view", "sequence", "foreign table"})
_NOT_ALLOWED: Final = "42501"
_NO_COLUMN: Final = "42703"  # as which the server reads ‘text’
_IN_TRANSACTION: Final = "25001"
_NEW_ENUM_VALUE: Final = "55P04"
_SYNTAX: Final = "42601"
# A length, a syntax error, a type and a function that are not there: words that another database knows.
_NO_GRAMMAR: Final = ("22P02", "42601", "42704", "42883")
_BLOCK_WORDS: Final = ("transaction block", "pipeline")  # that SQLSTATE is SET TRANSACTION's too, behind a query
_EXTENSION_REFUSED: Final = re.compile(r'permission denied to create extension "(?P<name>.+)"')
_SETTING_REFUSED: Final = re.compile(r'permission denied to set parameter "(?P<name>[\w.]+)"')
_SYSTEM_TRIGGER: Final = re.compile(r'permission denied: "RI_ConstraintTrigger_\w+" is a system trigger')
_WHOLE_SIGNATURES: Final = frozenset(("auth", "realtime", "storage"))  # what is there takes what the real one takes
_SHORT_CUTOFF: Final = 0.75  # auth.uid, role, email and jwt: of functions auth has no more


@dataclass(frozen=True, kw_only=True)
class Salvage:
    """What a failed script came to where whatever can be applied was: each failed script before it statement by
    statement, without those that were refused. `refusal` is why the script was refused there as a whole; `refused` are
    the texts of the statements that could not be applied even so."""

    refusal: Refusal | None
    refused: tuple[str, ...] = ()


class Triage:
    """Judges the failures of one chain in its order. `platform_owns` says whether a schema or a role is of the platform
    that the run stands in for, what names such a schema has, and which `extensions` are there; `placeholders` are names
    that nobody gave a value; `unordered` are the keys of migrations that were given their place by name, for want of
    another order."""

    def __init__(
        self,
        chain: Sequence[Migration],
        *,
        platform_owns: Collection[str] = (),
        platform_names: Callable[[str], Sequence[str]] = lambda _: (),
        extensions: Collection[str] = (),
        placeholders: Collection[str] = (),
        unordered: Collection[str] = (),
    ) -> None:
        self._chain = chain
        self._placeholders = placeholders
        self._unordered = unordered
        self._platform_owns = platform_owns
        self._effects = ChainEffects(chain, extensions)
        self._platform_names = platform_names
        self._failures: dict[str, Failure] = {}
        self._salvages: dict[str, Salvage] = {}

    def judge(
        self, migration: Migration, refusal: Refusal, salvage: Salvage, missing_feature: MissingFeature | None = None
    ) -> Failure:
        """The failure, sorted; those of earlier migrations must have been judged before."""
        missing = read_missing(refusal)
        self._salvages[migration.key] = salvage
        failure = (
            self._consequence(migration, refusal, missing, salvage)
            or self._server(migration, refusal, missing_feature)
            or self._outside(migration, refusal, missing)
            or self._own(migration, refusal, missing, missing_feature)
        )
        self._failures[migration.key] = failure
        return failure

    def note(self, failure: Failure) -> Failure:
        """A failure that is sorted already: nothing was sent."""
        self._failures[failure.key] = failure
        return failure

    def _consequence(
        self, migration: Migration, refusal: Refusal, missing: Missing | None, salvage: Salvage
    ) -> Failure | None:
        """What is refused because of an earlier failure: it is not refused where that one is salvaged, or it needs what
        could not be salvaged of it."""
        if not self._failures or refusal.is_timeout:
            return None
        again = salvage.refusal is not None and _same(salvage.refusal, refusal)
        need = Need.of(refusal, missing)
        causes = [key for key in self._failures if self._explains(key, need)]
        if again and not causes:
            return None
        makers = [key for key in self._failures if missing and self._effects.makes(key, missing)]
        root = self._root((causes or makers or [self._nearest(refusal)])[-1])
        cause = self._failures[root]
        name = self._name(root)
        return Failure(
            key=migration.key,
            kind=FailureKind.CONSEQUENCE,
            summary=f"It follows from {name}, which was not applied: {refusal.message}.",
            remedy=f"Mend {name}; then run this again." if cause.kind is FailureKind.OWN else cause.remedy,
            refusal=refusal,
            missing=str(missing or ""),
            follows=root,
        )

    def _explains(self, key: str, need: Need) -> bool:
        """Whether a statement that could not be salvaged of that migration would have done what another needs."""
        missing = need.missing
        if key not in self._salvages:  # nothing of it was sent
            return missing is not None and self._effects.makes(key, missing)
        if missing is not None and missing.kind == "role":  # a role is the cluster's: it is salvaged in no database
            return self._effects.makes(key, missing)
        refused = self._salvages[key].refused
        if missing is not None and self._is_no_statement(key) and any(missing.bare in words_of(text) for text in refused):
            return True  # what CREATE TABEL a would make stands in no grammar
        return any(need.would_be_met_by(read_effects(text)) for text in refused)

    def _is_no_statement(self, key: str) -> bool:
        refusal = self._failures[key].refusal
        return refusal is not None and refusal.sqlstate == _SYNTAX

    def _server(self, migration: Migration, refusal: Refusal, missing_feature: MissingFeature | None) -> Failure | None:
        if missing_feature is None or not missing_feature.excuses_migration:
            return None
        return self._named_once(
            Failure(
                key=migration.key,
                kind=FailureKind.SERVER,
                summary=f"This server cannot run the script: {missing_feature}.",
                remedy=_sentence(missing_feature.remedy),
                refusal=refusal,
                missing=missing_feature.what,
            )
        )

    def _outside(self, migration: Migration, refusal: Refusal, missing: Missing | None) -> Failure | None:
        """What no migration of the folder makes, or may make, and the option that supplies it."""
        if refusal.sqlstate == _NOT_ALLOWED and (match := _EXTENSION_REFUSED.fullmatch(refusal.message)):
            return self._from_outside(
                migration,
                refusal,
                f"extension {match['name']}",
                f"PostgreSQL lets a superuser alone make the extension {match['name']}, and migrations run as none; many "
                "hosts let others do it too.",
                "Where production's host does, or has it: write CREATE EXTENSION IF NOT EXISTS, and give --setup FILE "
                f'with CREATE EXTENSION "{match["name"]}";',
            )
        if refusal.sqlstate == _NOT_ALLOWED and (match := _SETTING_REFUSED.fullmatch(refusal.message)):
            return self._superusers(
                migration,
                refusal,
                f"set {match['name']}",
                f"Where production's role may: --setup FILE with GRANT SET ON PARAMETER {match['name']} TO PUBLIC;"
                + (" else ALTER TABLE … DISABLE TRIGGER USER." if match["name"] == "session_replication_role" else ""),
            )
        if refusal.sqlstate == _NOT_ALLOWED and _SYSTEM_TRIGGER.fullmatch(refusal.message):
            remedy = "Write DISABLE TRIGGER USER, and ENABLE TRIGGER USER: foreign keys are checked meanwhile."
            return self._superusers(migration, refusal, "switch off the triggers of foreign keys", remedy)
        if missing is None or self._near_in_platform(missing) or self._takes_other_arguments(missing):
            return None
        if missing.schema in self._platform_owns or (
            missing.kind in ("schema", "role") and missing.name in self._platform_owns
        ):
            summary = f"It needs the {missing} of the platform, which this server stands in for without it: not asked."
            remedy = (
                "Give what it needs of it with --setup FILE, or use a server that has it: --pg docker:IMAGE or dsn:URL."
            )
        elif (
            (extension := missing.extension)
            and not self._effects.has_extension(extension)
            and not self._effects.makers(missing)
        ):
            summary = f"No migration makes the extension {extension}, and it needs its {missing.kind} {missing.bare}."
            remedy = f'Create the extension in a migration, or give it: --setup FILE with CREATE EXTENSION "{extension}";'
        elif name := self._made_by_an_unordered(migration, missing):
            summary = f"{name} makes the {missing}, which it needs. Which of them runs first, nothing says."
            remedy = "Begin their names with digits, in the order in which they run; or give the contract of one `after`."
        elif missing.kind in ("schema", "role") or missing.kind in _TABLES:
            if self._effects.makers(missing) or self._effects.near(missing):
                return None
            made = "creates" if missing.kind == "role" else "makes"
            summary = f"No migration of the folder {made} the {missing}, which it needs."
            remedy = f"If it comes from elsewhere, give the SQL that makes it: --setup FILE with {missing.example}"
        else:
            return None
        return self._from_outside(migration, refusal, str(missing), summary, remedy)

    def _superusers(self, migration: Migration, refusal: Refusal, what: str, remedy: str) -> Failure:
        summary = f"PostgreSQL lets a superuser alone {what}, and migrations run as none."
        return self._from_outside(migration, refusal, f"right to {what}", summary, remedy)

    def _from_outside(self, migration: Migration, refusal: Refusal, missing: str, summary: str, remedy: str) -> Failure:
        return self._named_once(
            Failure(
                key=migration.key,
                kind=FailureKind.OUTSIDE,
                summary=summary,
                remedy=remedy,
                refusal=refusal,
                missing=missing,
            )
        )

    def _own(
        self,
        migration: Migration,
        refusal: Refusal,
        missing: Missing | None,
        missing_feature: MissingFeature | None,
    ) -> Failure:
        summary = f"The server rejects the script: {refusal.message}."
        remedy = refusal.hint or "Fix the statement that the server rejected."
        if names := [name for name in self._placeholders if f"{{{name}}}" in (refusal.statement or "")]:
            remedy = f"Give {names[0]} a value: --set {names[0]}=VALUE."
        elif missing_feature is not None:
            remedy = f"Avoid it: {missing_feature}."
        elif advice := _other_dialect(migration, refusal):
            remedy = advice
        elif refusal.sqlstate == _IN_TRANSACTION and any(word in refusal.message for word in _BLOCK_WORDS):
            remedy = _outside_remedy(migration)
        elif refusal.sqlstate == _NEW_ENUM_VALUE:
            remedy = _enum_remedy(migration)
        elif migration.whole_remedy and refusal.sqlstate == _SYNTAX and refusal.message.startswith("unterminated"):
            remedy = migration.whole_remedy
        elif extension_name := nearest_extension(refusal):
            remedy = f"Did you mean {extension_name}?"
        elif missing is not None and missing.kind != "column":
            makers = self._effects.makers(missing)
            if later := self._only_later(migration, makers):
                name = self._name(later[0])
                summary += f" {name} makes it, and runs later."
                remedy = f"Let {migration.display_name} run behind {name}, as the tool orders them."
            elif schemas := self._effects.schemas_of(missing):
                remedy = f"Did you mean {schemas[0]}? What sets search_path in one file is not said for the next."
            elif not makers and (near := self._near_in_platform(missing) or self._effects.near(missing)):
                remedy = f"Did you mean {near}?"
            elif self._takes_other_arguments(missing):
                remedy = f"{missing.name} is there, and takes other arguments."
            elif (extension := missing.extension) and self._effects.has_extension(extension):
                remedy = f"The extension {extension} is there: name the schema that it is in, and give what it takes."
        return Failure(
            key=migration.key,
            kind=FailureKind.OWN,
            summary=summary,
            remedy=remedy,
            refusal=refusal,
            missing=str(missing or ""),
        )

    def _only_later(self, migration: Migration, makers: Sequence[str]) -> Sequence[str]:
        """The makers, where all of them run behind the migration."""
        keys = [link.key for link in self._chain]
        return makers if all(keys.index(key) > keys.index(migration.key) for key in makers) else ()

    def _made_by_an_unordered(self, migration: Migration, missing: Missing) -> str | None:
        later = self._only_later(migration, self._effects.makers(missing))
        return next((self._name(key) for key in later if key in self._unordered), None)

    def _named_once(self, failure: Failure) -> Failure:
        """What an earlier migration lacked already is that one's cause."""
        for earlier in self._failures.values():
            if earlier.missing == failure.missing and earlier.kind is failure.kind:
                name = self._name(earlier.key)
                return Failure(
                    key=failure.key,
                    kind=FailureKind.CONSEQUENCE,
                    summary=f"It lacks what {name} lacks already: {failure.missing}.",
                    remedy=earlier.remedy,
                    refusal=failure.refusal,
                    missing=failure.missing,
                    follows=earlier.key,
                )
        return failure

    def _root(self, key: str) -> str:
        return self._failures[key].follows or key

    def _nearest(self, refusal: Refusal) -> str:
        """The last failed migration that makes what the refused statement names; else the last that failed."""
        words = words_of(refusal.statement or "")
        for key in reversed(self._failures):
            if words & {name for _, name in self._effects.by_key[key].made}:
                return key
        return next(reversed(self._failures))

    def _near_in_platform(self, missing: Missing) -> str | None:
        """A name of the platform's that it is a slip of."""
        if missing.schema not in self._platform_owns:
            return None
        cutoff = _SHORT_CUTOFF if missing.schema == "auth" and missing.kind == "function" else PLATFORM_CUTOFF
        near = nearest_name(self._platform_names(missing.schema), missing.bare, cutoff)
        return near and f"{missing.schema}.{near}"

    def _takes_other_arguments(self, missing: Missing) -> bool:
        """Whether it is a function of the platform's, called with what it takes nowhere."""
        return (
            missing.kind == "function"
            and missing.schema in _WHOLE_SIGNATURES
            and missing.bare in self._platform_names(missing.schema)
        )

    def _name(self, key: str) -> str:
        return next(link.display_name for link in self._chain if link.key == key)


def _other_dialect(migration: Migration, refusal: Refusal) -> str | None:
    """What PostgreSQL wants in the place of another database's words, or of what was copied with the SQL, in the
    statement that was refused."""
    if refusal.sqlstate not in (*_NO_GRAMMAR, _NO_COLUMN) or refusal.offset is None:
        return None
    if advice := copied_text_advice(migration.up.text, refusal.offset):
        return advice
    statements = [each for each in migration.up.statements if each.offset <= refusal.offset]
    if refusal.sqlstate == _NO_COLUMN or not statements:
        return None
    return other_dialect_advice(statements[-1].text, refusal.offset - statements[-1].offset)


def _outside_remedy(migration: Migration) -> str:
    """What to do about a statement that no transaction allows."""
    if migration.up.statements[0].words[:1] in (("BEGIN",), ("START",)):
        return "Give it a file of its own, without BEGIN and COMMIT around it."
    if migration.up.execution.transaction is TransactionScope.MESSAGE:
        return "Give it a file of its own: the server takes statements that are sent at once for one transaction."
    return migration.outside_remedy or "Give it a file of its own that runs in no transaction."


def _enum_remedy(migration: Migration) -> str:
    """What to do about a value of an enum that is used in the transaction that adds it."""
    if migration.up.execution.transaction is TransactionScope.ALL:
        return (
            "Deploy the ALTER TYPE … ADD VALUE first, and use the value in a later deployment: these are one transaction."
        )
    return "Put the ALTER TYPE … ADD VALUE in a migration of its own before it: once committed, the value can be used."


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _same(first: Refusal, second: Refusal) -> bool:
    return (first.sqlstate, first.message) == (second.sqlstate, second.message)
