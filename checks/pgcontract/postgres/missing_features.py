"""Why a server refused a script that is right: it is too old for it, or built without something that it needs."""

from __future__ import annotations

import locale
import re
from dataclasses import dataclass
from difflib import get_close_matches

import psycopg

from pgcontract.model.sql import Script
from pgcontract.postgres import builds, versions
from pgcontract.postgres.script_execution import Refusal

_EXTENSION = re.compile(r'extension "(?P<name>.+)" is not available')
_LIBRARY = re.compile(r'could not load library "(?:.*/)?(?P<name>[^"/]+?)(?:\.so|\.dylib)?": (?P<why>.*)')
_COLLATION = re.compile(r'collation "(?P<name>.+)" for encoding ".*" does not exist')
_LOCALE = re.compile(r'could not create locale "(?P<name>.+)": .*')
_FUNCTION = re.compile(r"function (?P<name>\w+)\(.*\) does not exist")
_BUILD = (
    re.compile(r"(?P<library>\w+) is not supported (?:in|by) this build"),
    re.compile(r"This functionality requires the server to be built with (?P<library>\S+) support\."),
    re.compile(r'invalid value for parameter "default_toast_compression": "(?P<library>lz4)"'),
)
_ICU_COLLATION = re.compile(r"(?P<language>[a-z]{2,3})(?:-[A-Z][a-z]{3})?(?:-(?P<territory>[A-Z]{2}|\d{3}))?-x-icu")
_NOT_BUILT = "is not in this server's build"
_AVAILABLE = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = %s"
_ICU_COLLATIONS = "SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i' AND collname LIKE '%-x-icu' LIMIT 1"
# What Supabase has in every project before the first migration, by the functions that migrations use of it.
_AT_HAND = {
    "uuid-ossp": "uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil",
    "pgcrypto": """
        armor crypt dearmor decrypt decrypt_iv digest encrypt encrypt_iv gen_random_bytes gen_salt hmac pgp_key_id
        pgp_pub_decrypt pgp_pub_encrypt pgp_sym_decrypt pgp_sym_encrypt
    """,
}


@dataclass(frozen=True, kw_only=True)
class Lack:
    """What the server has not: `what` and `why` make a sentence, `who` says which `--pg` has it.

    It `excuses` the migration unless production, as far as is declared, has it not either.
    """

    what: str
    why: str
    who: str
    excuses: bool = True

    def __str__(self) -> str:
        return f"{self.what} {self.why}; {self.who}"


def lacking(
    connection: psycopg.Connection,
    refusal: Refusal,
    script: Script,
    *,
    spec: str,
    production: int | None,
    platform: str,
) -> Lack | None:
    """What the refusal shows that this server lacks, from its SQLSTATE, its words, their place and the server's catalog.

    `spec` is the `--pg` that the server came from: another than this one is named for who has it.
    None where the migration is at fault as far as anybody knows: a misspelt extension, a function that no major has.
    """
    case = _Case(connection=connection, refusal=refusal, spec=spec, production=production, platform=platform)
    return _of_its_age(case, script) or _of_its_extensions(case) or _of_its_libraries(case) or _of_its_collations(case)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A refusal, and what is known of the server that it came from and of production."""

    connection: psycopg.Connection
    refusal: Refusal
    spec: str
    production: int | None
    platform: str

    @property
    def here(self) -> int:
        """The server's major."""
        return self.connection.info.server_version // 10000

    @property
    def wanted(self) -> int:
        """The major that should judge: production's, else this one."""
        return self.production or self.here

    def finds(self, query: str, *values: str) -> bool:
        """Whether the query has a row on this server."""
        return self.connection.execute(query.encode(), values or None).fetchone() is not None


def nearest_extension(refusal: Refusal) -> str | None:
    """The extension that a refused name most looks like."""
    found = _EXTENSION.fullmatch(refusal.message)
    close = get_close_matches(found["name"], sorted(builds.known_extensions()), n=1) if found else []
    return close[0] if close else None


def _of_its_age(case: _Case, script: Script) -> Lack | None:
    refusal, offset = case.refusal, None
    if refusal.line is not None and refusal.column is not None:
        offset = script.line_starts[refusal.line - 1] + refusal.column - 1
    found = versions.newer(case.here, sqlstate=refusal.sqlstate, message=refusal.message, text=script.text, offset=offset)
    if found is None:
        return None
    what, novelty = found
    return _of_other_majors(case, what, since=novelty.since)


def _of_other_majors(case: _Case, what: str, *, since: int = versions.KNOWN[0], last: int | None = None) -> Lack:
    """What only the majors since one, or up to one, have: an excuse where production runs one of those."""
    moved = f"left PostgreSQL with {last + 1}" if last else f"came with PostgreSQL {since}"
    why, production = f"{moved}, and this server is {case.here}", case.production
    if production is not None and not (since <= production <= (last or production)):
        return Lack(what=what, why=why, who=f"production runs {production}, which has it not either", excuses=False)
    return Lack(what=what, why=why, who=f"--pg {production or last or since} has it")


def _of_its_extensions(case: _Case) -> Lack | None:
    refusal = case.refusal
    if refusal.sqlstate == "0A000" and (found := _EXTENSION.fullmatch(refusal.message)):
        name = found["name"]
        since, last = builds.BROUGHT.get(name), builds.LAST.get(name)
        if since and case.here < since:
            return _of_other_majors(case, name, since=since)
        if last and case.here > last:
            return _of_other_majors(case, name, last=last)
        who = builds.who_has_extension(name, case.wanted, but=case.spec)
        return Lack(what=name, why=_NOT_BUILT, who=who) if who else None
    if refusal.sqlstate == "58P01" and (found := _LIBRARY.fullmatch(refusal.message)):
        name = found["name"]
        who = builds.who_has_extension(name, case.wanted, but=case.spec) or builds.who_is_built_with(name, case.wanted)
        return Lack(what=name, why=f"cannot be loaded by this server ({found['why']})", who=who)
    if refusal.sqlstate == "42883" and case.platform == "supabase" and (found := _FUNCTION.fullmatch(refusal.message)):
        for name, functions in _AT_HAND.items():
            if found["name"] in functions.split() and not case.finds(_AVAILABLE, name):
                who = builds.who_has_extension(name, case.wanted, but=case.spec)
                return Lack(what=f"{name}, which has {found['name']}(),", why=_NOT_BUILT, who=who) if who else None
    return None


def _of_its_libraries(case: _Case) -> Lack | None:
    for words in (case.refusal.message, case.refusal.detail or ""):
        found = next((match for each in _BUILD if (match := each.fullmatch(words))), None)
        if found and case.refusal.sqlstate in ("0A000", "22023"):
            who = builds.who_is_built_with(found["library"], case.wanted, but=case.spec)
            return Lack(what=found["library"], why=_NOT_BUILT, who=who)
    return None


def _of_its_collations(case: _Case) -> Lack | None:
    found = _COLLATION.fullmatch(case.refusal.message) or _LOCALE.fullmatch(case.refusal.message)
    if case.refusal.sqlstate not in ("42704", "22023") or found is None:
        return None
    name = found["name"]
    if (icu := _ICU_COLLATION.fullmatch(name)) and not case.finds(_ICU_COLLATIONS):
        if _is_locale(icu["language"], icu["territory"]):
            who = builds.who_is_built_with("ICU", case.wanted, but=case.spec)
            return Lack(what=f"the collation {name} is ICU's, which", why=_NOT_BUILT, who=who)
    elif _is_locale(*re.split(r"[_.@]", name)[:2]) and "_" in name:
        what = f"the locale {name.partition('.')[0]}.UTF-8"
        who = "install it (Debian: locale-gen), or name a server that has it: --pg docker:IMAGE, or --pg dsn:URL"
        return Lack(what=what, why="is not installed where this server runs", who=who)
    return None


def _is_locale(language: str, territory: str | None = None) -> bool:
    """Whether Python's table of locales knows the language, in that territory if one is given."""
    known = {each.partition(".")[0].partition("@")[0] for each in locale.locale_alias.values()}
    if territory:
        return f"{language}_{territory}" in known
    return language == "und" or any(each.partition("_")[0] == language for each in known)
