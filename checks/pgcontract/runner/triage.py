"""Sorts the failures of a chain: which are causes, and which only follow from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from pgcontract.contract import Migration
from pgcontract.postgres.missing_features import MissingFeature, nearest_extension
from pgcontract.postgres.script_execution import Refusal
from pgcontract.probes.failure import Failure, FailureKind

_RELATIONS: Final = "relation|table|view|materialized view|sequence|foreign table"
_OTHERS: Final = "schema|role|type|index|extension|publication|collation|language"
_MISSING: Final = (
    re.compile(rf'(?P<kind>{_RELATIONS}) "(?P<name>.+)" does not exist'),
    re.compile(
        r'(?P<kind>schema|role|type|index|extension|publication|collation|language) "(?P<name>.+)" does not exist'
    ),
    re.compile(r"(?P<kind>function|procedure|aggregate) (?P<name>[^()]+)\(.*\) does not exist"),
    re.compile(r'could not find an? (?P<kind>function|procedure|aggregate) named "(?P<name>.+)"'),
    re.compile(r'(?P<kind>column) "(?P<name>.+)" of relation "(?P<of>.+)" does not exist'),
    re.compile(r'(?P<kind>column) "(?P<name>[^"]+)" (?:referenced in foreign key constraint )?does not exist'),
    re.compile(r"(?P<kind>column) (?P<of>[^\s\".]+)\.(?P<name>\S+) does not exist"),
    re.compile(
        r'(?P<kind>constraint|trigger|policy|rule) "(?P<name>.+)" (?:of relation|for table|for relation) "(?P<of>.+)" '
        "does not exist"
    ),
)
_NAME: Final = r'((?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))*)'
_OBJECT: Final = (
    r"(?:TABLE|VIEW|SEQUENCE|INDEX|TYPE|DOMAIN|FUNCTION|PROCEDURE|AGGREGATE|SCHEMA|ROLE|USER|GROUP|EXTENSION|TRIGGER"
    r"|POLICY|RULE|PUBLICATION|COLLATION)"
)
# What a text makes, DO blocks and function bodies included: there the statements are not read one by one.
_MADE: Final = re.compile(
    rf"\b(?:CREATE\s+(?:[a-z]+\s+){{0,4}}?{_OBJECT}\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"|RENAME\s+(?:(?:COLUMN\s+|CONSTRAINT\s+|ATTRIBUTE\s+|VALUE\s+)?\S+\s+)?TO\s+"
    rf"|ADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?!CONSTRAINT\b|COLUMN\b|PRIMARY\b|UNIQUE\b|CHECK\b|FOREIGN\b)"
    rf"|CONSTRAINT\s+){_NAME}",
    re.IGNORECASE,
)
_TABLE_KINDS: Final = frozenset(_RELATIONS.split("|"))
_TYPO_CUTOFF: Final = 0.85
_EXTENSION_TYPES: Final = {
    "citext": "citext",
    "cube": "cube",
    "geography": "postgis",
    "geometry": "postgis",
    "halfvec": "vector",
    "hstore": "hstore",
    "ltree": "ltree",
    "seg": "seg",
    "vector": "vector",
}
_EXTENSION_FUNCTIONS: Final = {
    "crypt": "pgcrypto",
    "digest": "pgcrypto",
    "gen_random_bytes": "pgcrypto",
    "gen_salt": "pgcrypto",
    "hmac": "pgcrypto",
    "similarity": "pg_trgm",
    "unaccent": "unaccent",
    "uuid_generate_v1": "uuid-ossp",
    "uuid_generate_v4": "uuid-ossp",
    "uuid_generate_v5": "uuid-ossp",
    "word_similarity": "pg_trgm",
}


@dataclass(frozen=True, kw_only=True)
class Salvage:
    """What a failed script came to where whatever can be applied was: each failed script before it statement by
    statement, without those that were refused. `refusal` is why the script was refused there as a whole; `refused` are
    the texts of the statements that could not be applied even so."""

    refusal: Refusal | None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Missing:
    """What a refusal says is not there; `of` is the table that it is looked for in."""

    kind: str
    name: str
    of: str = ""

    @property
    def bare(self) -> str:
        return _bare(self.name)

    @property
    def schema(self) -> str:
        return self.name.rpartition(".")[0].strip('"') if "." in self.name else ""

    def __str__(self) -> str:
        kind = "table" if self.kind in _TABLE_KINDS else self.kind
        return f"{kind} {self.name}" + (f" of {self.of}" if self.of else "")


class Triage:
    """Judges the failures of one chain in its order. `platform_owns` says whether a schema or a role is of the platform
    that the run stands in for; `placeholders` are names that nobody gave a value."""

    def __init__(
        self, chain: Sequence[Migration], *, platform_owns: Collection[str] = (), placeholders: Collection[str] = ()
    ) -> None:
        self._chain = chain
        self._placeholders = placeholders
        self._platform_owns = platform_owns
        self._failures: dict[str, Failure] = {}
        self._salvages: dict[str, Salvage] = {}

    def judge(
        self, migration: Migration, refusal: Refusal, salvage: Salvage, missing_feature: MissingFeature | None = None
    ) -> Failure:
        """The failure, sorted; those of earlier migrations must have been judged before."""
        missing = _read_missing(refusal)
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
        self, migration: Migration, refusal: Refusal, missing: _Missing | None, salvage: Salvage
    ) -> Failure | None:
        """What is refused because of an earlier failure: it is not refused where that one is salvaged, or it lacks what
        could not be salvaged of it."""
        if not self._failures or refusal.is_timeout:
            return None
        again = salvage.refusal is not None and _same(salvage.refusal, refusal)
        makers = [key for key in self._failures if missing and missing.bare in self._makes(key, refused=again)]
        if again and not makers:
            return None
        cause = self._root(makers[-1] if makers else self._nearest(refusal))
        name = self._name(cause)
        return Failure(
            key=migration.key,
            kind=FailureKind.CONSEQUENCE,
            summary=f"It follows from {name}, which was not applied: {refusal.message}.",
            remedy=f"Mend {name}; then run this again.",
            refusal=refusal,
            missing=str(missing or ""),
            follows=cause,
        )

    def _server(self, migration: Migration, refusal: Refusal, missing_feature: MissingFeature | None) -> Failure | None:
        if missing_feature is None or not missing_feature.excuses_migration:
            return None
        return self._named_once(
            Failure(
                key=migration.key,
                kind=FailureKind.SERVER,
                summary=f"This server cannot run the script: {missing_feature}.",
                remedy=f"Run it on a server that has it: {missing_feature.remedy}.",
                refusal=refusal,
                missing=missing_feature.what,
            )
        )

    def _outside(self, migration: Migration, refusal: Refusal, missing: _Missing | None) -> Failure | None:
        """What no migration of the folder makes, and the option that supplies it."""
        if missing is None:
            return None
        if missing.schema in self._platform_owns or (
            missing.kind in ("schema", "role") and missing.name in self._platform_owns
        ):
            summary = f"It needs the {missing} of the platform, which this server stands in for without it: not asked."
            remedy = (
                "Give what it needs of it with --setup FILE, or use a server that has it: --pg docker:IMAGE or dsn:URL."
            )
        elif extension := _extension_of(missing):
            summary = f"No migration makes the extension {extension}, and it needs its {missing.kind} {missing.bare}."
            remedy = f'Create the extension in a migration, or give it: --setup FILE with CREATE EXTENSION "{extension}";'
        elif missing.kind in ("schema", "role") or missing.kind in _TABLE_KINDS:
            if self._makers(missing) or self._near(missing):
                return None
            made = "creates" if missing.kind == "role" else "makes"
            summary = f"No migration of the folder {made} the {missing}, which it needs."
            remedy = f"If it comes from elsewhere, give the SQL that makes it: --setup FILE with {_example(missing)}"
        else:
            return None
        return self._named_once(
            Failure(
                key=migration.key,
                kind=FailureKind.OUTSIDE,
                summary=summary,
                remedy=remedy,
                refusal=refusal,
                missing=str(missing),
            )
        )

    def _own(
        self,
        migration: Migration,
        refusal: Refusal,
        missing: _Missing | None,
        missing_feature: MissingFeature | None,
    ) -> Failure:
        summary = f"The server rejects the script: {refusal.message}."
        remedy = refusal.hint or "Fix the statement that the server rejected."
        if names := [name for name in self._placeholders if f"{{{name}}}" in (refusal.statement or "")]:
            remedy = f"Give {names[0]} a value: --set {names[0]}=VALUE."
        elif missing_feature is not None:
            remedy = f"Avoid it: {missing_feature}."
        elif extension_name := nearest_extension(refusal):
            remedy = f"Did you mean {extension_name}?"
        elif missing is not None and missing.kind != "column":
            keys = [link.key for link in self._chain]
            makers = self._makers(missing)
            later = [key for key in makers if keys.index(key) > keys.index(migration.key)]
            if later and len(later) == len(makers):
                name = self._name(later[0])
                summary += f" {name} makes it, and runs later."
                remedy = f"Let {migration.display_name} run behind {name}, as the tool orders them."
            elif not makers and (near := self._near(missing)):
                remedy = f"Did you mean {near}?"
        return Failure(
            key=migration.key,
            kind=FailureKind.OWN,
            summary=summary,
            remedy=remedy,
            refusal=refusal,
            missing=str(missing or ""),
        )

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
        """The last failed migration that makes or names what the refused statement names; else the last that failed."""
        words = set(re.findall(r"[\w$]+", (refusal.statement or "").lower()))
        for key in reversed(self._failures):
            if words & {name.lower() for name in self._makes(key)}:
                return key
        return next(reversed(self._failures))

    def _makers(self, missing: _Missing) -> list[str]:
        """The keys of the migrations that make something of that name."""
        return [link.key for link in self._chain if missing.bare in self._made[link.key]]

    def _near(self, missing: _Missing) -> str | None:
        known = {name for names in self._made.values() for name in names}
        return next(iter(get_close_matches(missing.bare, sorted(known), n=1, cutoff=_TYPO_CUTOFF)), None)

    def _makes(self, key: str, *, refused: bool = False) -> Collection[str]:
        """The bare names that a migration makes; with `refused`, what could not be salvaged of it alone."""
        if not refused or key not in self._salvages:
            return self._made[key]
        return frozenset().union(*map(_made_names, self._salvages[key].refused))

    def _name(self, key: str) -> str:
        return next(link.display_name for link in self._chain if link.key == key)

    @cached_property
    def _made(self) -> Mapping[str, frozenset[str]]:
        """The bare names of what each migration's text makes, by key."""
        return {link.key: _made_names(link.up.text) for link in self._chain}


def _made_names(text: str) -> frozenset[str]:
    return frozenset(_bare(match[1]) for match in _MADE.finditer(text))


def _bare(name: str) -> str:
    """`t` of `public.t` and of `"t"`; folded where it was not quoted."""
    last = name.strip().rpartition(".")[2].strip()
    return last.strip('"') if '"' in last else last.lower() if last.isascii() else last


def _same(first: Refusal, second: Refusal) -> bool:
    return (first.sqlstate, first.message) == (second.sqlstate, second.message)


def _read_missing(refusal: Refusal) -> _Missing | None:
    for pattern in _MISSING:
        if match := pattern.fullmatch(refusal.message):
            words = match.groupdict()
            return _Missing(kind=words["kind"], name=words["name"], of=words.get("of") or "")
    return None


def _extension_of(missing: _Missing) -> str | None:
    known = {"type": _EXTENSION_TYPES, "function": _EXTENSION_FUNCTIONS}.get(missing.kind, {})
    return known.get(missing.bare.removesuffix("[]"))


def _example(missing: _Missing) -> str:
    match missing.kind:
        case "schema":
            return f'CREATE SCHEMA "{missing.name}";'
        case "role":
            return f'CREATE ROLE "{missing.name}";'
        case _:
            return f"its CREATE TABLE {missing.name} (…);"
