"""Why a server refused a script that is right: it is too old for it, or built without something that it needs."""

from __future__ import annotations

import locale
import re
from collections.abc import Collection
from difflib import get_close_matches

import psycopg

from pgcontract.model.sql import Script
from pgcontract.patterns import lazy_pattern
from pgcontract.postgres import builds, versions
from pgcontract.postgres.extension_functions import EXTENSION_OF, FUNCTIONS
from pgcontract.postgres.script_execution import Refusal
from pgcontract.values import dataclass

_EXTENSION = re.compile(r'extension "(?P<name>.+)" is not available')
_EXTENSION_VERSION = re.compile(
    r'extension "(?P<name>.+)" has no (?:installation script nor update path|update path from version ".+") '
    r'(?:for|to) version "(?P<version>.+)"'
)
# As dbdev calls its packages, of SQL alone, which pg_tle keeps in the database itself: by whose they are.
_PACKAGE = lazy_pattern(r"[a-z][a-z0-9_]*[-@][a-z][a-z0-9_]*")
_LIBRARY = re.compile(r'could not load library "(?:.*/)?(?P<name>[^"/]+?)(?:\.so|\.dylib)?": (?P<why>.*)')
_COLLATION = re.compile(r'collation "(?P<name>.+)" for encoding ".*" does not exist')
_LOCALE = re.compile(r'could not create locale "(?P<name>.+)": .*')
_FUNCTION = re.compile(r"function (?:extensions\.)?(?P<name>\w+)\(.*\) does not exist")
_TABLESPACE = re.compile(r'tablespace "(?P<name>.+)" does not exist')
_BUILD = (
    lazy_pattern(r"(?P<library>\w+) is not supported (?:in|by) this build"),
    lazy_pattern(r"This functionality requires the server to be built with (?P<library>\S+) support\."),
    lazy_pattern(r'invalid value for parameter "default_toast_compression": "(?P<library>lz4)"'),
)
_ICU_COLLATION = lazy_pattern(r"(?P<language>[a-z]{2,3})(?:-[A-Z][a-z]{3})?(?:-(?P<territory>[A-Z]{2}|\d{3}))?-x-icu")
_NOT_BUILT = "is not in this server's build"
_AVAILABLE = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = %s"
_ICU_COLLATIONS = "SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i' AND collname LIKE '%-x-icu' LIMIT 1"
# What Supabase has in every project before the first migration, and migrations use functions of.
_PREINSTALLED = ("uuid-ossp", "pgcrypto")


@dataclass(frozen=True, kw_only=True)
class MissingFeature:
    """A feature that the server lacks: `what` and `why` make a sentence, `remedy` says which `--pg` has it.

    It `excuses_migration` unless production, as far as is declared, lacks it too.
    """

    what: str
    why: str
    remedy: str
    excuses_migration: bool = True

    def __str__(self) -> str:
        return f"{self.what} {self.why}; {self.remedy}"


def find_missing_feature(
    connection: psycopg.Connection,
    refusal: Refusal,
    script: Script,
    *,
    spec: str,
    production: int | None,
    platform: str,
) -> MissingFeature | None:
    """The feature that this server lacks, from the refusal's SQLSTATE, message, position and the catalog.

    `spec` is the `--pg` that the server came from.
    None where the migration is at fault as far as anybody knows: a misspelt extension, a function that no major has.
    """
    case = _RefusalCase(connection=connection, refusal=refusal, spec=spec, production=production, platform=platform)
    return (
        _missing_in_major(case, script)
        or _missing_extension(case)
        or _missing_library(case)
        or _missing_collation(case)
        or _missing_tablespace(refusal)
    )


@dataclass(frozen=True, kw_only=True)
class _RefusalCase:
    """A refusal, and what is known of the server that it came from and of production."""

    connection: psycopg.Connection
    refusal: Refusal
    spec: str
    production: int | None
    platform: str

    @property
    def server_major(self) -> int:
        """The server's major."""
        return self.connection.info.server_version // 10000

    @property
    def judging_major(self) -> int:
        """The major that should judge: production's, else this one."""
        return self.production or self.server_major

    def has_row(self, query: str, *values: str) -> bool:
        """Whether the query has a row on this server."""
        return self.connection.execute(query.encode(), values or None).fetchone() is not None


def functions_lacking(
    connection: psycopg.Connection,
    *,
    spec: str,
    production: int | None,
    platform: str,
    stand_ins: Collection[str] = (),
) -> dict[str, MissingFeature]:
    """By its name, each function that the platform has in every project and that this server was built without: a body
    that uses one is taken as it is, and fails when it is called. None of an extension that something stands in for."""
    if platform != "supabase":
        return {}
    judging_major = production or connection.info.server_version // 10000
    lacking: dict[str, MissingFeature] = {}
    for extension in _PREINSTALLED:
        if extension in stand_ins or connection.execute(_AVAILABLE, [extension]).fetchone() is not None:
            continue
        remedy = builds.describe_extension_source(extension, judging_major, lacking_spec=spec)
        if remedy:
            lacking |= {
                name: MissingFeature(what=f"{extension}, which has {name}(),", why=_NOT_BUILT, remedy=remedy)
                for name in FUNCTIONS[extension]
            }
    return lacking


def nearest_extension(refusal: Refusal) -> str | None:
    """The extension that a refused name most looks like."""
    match = _EXTENSION.fullmatch(refusal.message)
    close = get_close_matches(match["name"], sorted(builds.known_extensions()), n=1) if match else []
    return close[0] if close else None


def _missing_tablespace(refusal: Refusal) -> MissingFeature | None:
    """A directory of production's machine, which no migration can make in a transaction."""
    match = _TABLESPACE.fullmatch(refusal.message)
    return match and MissingFeature(
        what=f"the tablespace {match['name']}",
        why="is a folder of production's own machine, which this server does not have",
        remedy="--pg dsn:URL of a server that has one of that name",
    )


def _missing_in_major(case: _RefusalCase, script: Script) -> MissingFeature | None:
    refusal = case.refusal
    newer_feature = versions.find_newer_feature(
        case.server_major, sqlstate=refusal.sqlstate, message=refusal.message, text=script.text, offset=refusal.offset
    )
    if newer_feature is None:
        return None
    what, version_feature = newer_feature
    return _feature_of_other_majors(case, what, since=version_feature.since)


def _feature_of_other_majors(
    case: _RefusalCase, what: str, *, since: int = versions.KNOWN_MAJORS[0], last: int | None = None
) -> MissingFeature:
    """What only the majors since one, or up to one, have: an excuse where production runs one of those."""
    history = f"left PostgreSQL with {last + 1}" if last else f"came with PostgreSQL {since}"
    why, production = f"{history}, and this server is {case.server_major}", case.production
    if production is not None and not (since <= production <= (last or production)):
        return MissingFeature(
            what=what, why=why, remedy=f"production runs {production}, which has it not either", excuses_migration=False
        )
    return MissingFeature(what=what, why=why, remedy=f"--pg {production or last or since} has it")


def _missing_extension(case: _RefusalCase) -> MissingFeature | None:
    refusal = case.refusal
    if refusal.sqlstate == "0A000" and (match := _EXTENSION.fullmatch(refusal.message)):
        name = match["name"]
        since, last = builds.FIRST_MAJOR.get(name), builds.LAST_MAJOR.get(name)
        if since and case.server_major < since:
            return _feature_of_other_majors(case, name, since=since)
        if last and case.server_major > last:
            return _feature_of_other_majors(case, name, last=last)
        remedy = builds.describe_extension_source(name, case.judging_major, lacking_spec=case.spec)
        if not remedy and _PACKAGE.fullmatch(name) and nearest_extension(refusal) is None:
            why = "is called as dbdev's packages are, which are in no server's build"
            remedy = "make it where tests alone need it, outside of the migrations; or --pg dsn:URL of one that has it"
            return MissingFeature(what=name, why=why, remedy=remedy)
        return MissingFeature(what=name, why=_NOT_BUILT, remedy=remedy) if remedy else None
    if refusal.sqlstate == "22023" and (match := _EXTENSION_VERSION.fullmatch(refusal.message)):
        return MissingFeature(
            what=f"the version {match['version']} of {match['name']}",
            why="is not what this server has",
            remedy="leave VERSION out, or name a server that has it: --pg docker:IMAGE, or --pg dsn:URL",
        )
    if refusal.sqlstate == "58P01" and (match := _LIBRARY.fullmatch(refusal.message)):
        name = match["name"]
        remedy = builds.describe_extension_source(
            name, case.judging_major, lacking_spec=case.spec
        ) or builds.describe_library_source(name, case.judging_major)
        return MissingFeature(what=name, why=f"cannot be loaded by this server ({match['why']})", remedy=remedy)
    if refusal.sqlstate == "42883" and case.platform == "supabase" and (match := _FUNCTION.fullmatch(refusal.message)):
        name = EXTENSION_OF.get(match["name"], "")
        if name in _PREINSTALLED and not case.has_row(_AVAILABLE, name):
            remedy = builds.describe_extension_source(name, case.judging_major, lacking_spec=case.spec)
            if remedy:
                return MissingFeature(what=f"{name}, which has {match['name']}(),", why=_NOT_BUILT, remedy=remedy)
    return None


def _missing_library(case: _RefusalCase) -> MissingFeature | None:
    for words in (case.refusal.message, case.refusal.detail or ""):
        built = next((match for pattern in _BUILD if (match := pattern.fullmatch(words))), None)
        if built and case.refusal.sqlstate in ("0A000", "22023"):
            remedy = builds.describe_library_source(built["library"], case.judging_major, lacking_spec=case.spec)
            return MissingFeature(what=built["library"], why=_NOT_BUILT, remedy=remedy)
    return None


def _missing_collation(case: _RefusalCase) -> MissingFeature | None:
    match = _COLLATION.fullmatch(case.refusal.message) or _LOCALE.fullmatch(case.refusal.message)
    if case.refusal.sqlstate not in ("42704", "22023") or match is None:
        return None
    name = match["name"]
    if (icu := _ICU_COLLATION.fullmatch(name)) and not case.has_row(_ICU_COLLATIONS):
        if _is_locale(icu["language"], icu["territory"]):
            remedy = builds.describe_library_source("ICU", case.judging_major, lacking_spec=case.spec)
            return MissingFeature(what=f"the collation {name} is ICU's, which", why=_NOT_BUILT, remedy=remedy)
    elif _is_locale(*re.split(r"[_.@]", name)[:2]) and "_" in name:
        what = f"the locale {name.partition('.')[0]}.UTF-8"
        remedy = "install it (Debian: locale-gen), or name a server that has it: --pg docker:IMAGE, or --pg dsn:URL"
        return MissingFeature(what=what, why="is not installed where this server runs", remedy=remedy)
    return None


def _is_locale(language: str, territory: str | None = None) -> bool:
    """Whether Python's table of locales knows the language, in that territory if one is given."""
    known = {alias.partition(".")[0].partition("@")[0] for alias in locale.locale_alias.values()}
    if territory:
        return f"{language}_{territory}" in known
    return language == "und" or any(locale_language.partition("_")[0] == language for locale_language in known)
