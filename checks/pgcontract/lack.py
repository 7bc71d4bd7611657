"""Why a server refused a script that is right: it is too old for it, or built without something that it needs."""

from __future__ import annotations

import locale
import re
from dataclasses import dataclass
from difflib import get_close_matches

import psycopg

from pgcontract import builds, majors
from pgcontract.apply import Refusal
from pgcontract.sqltext import Script

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
    here = connection.info.server_version // 10000
    return (
        _of_its_age(refusal, script, here, production)
        or _of_its_extensions(connection, refusal, here, production, platform, spec)
        or _of_its_libraries(refusal, production or here, spec)
        or _of_its_collations(connection, refusal, production or here, spec)
    )


def nearest_extension(refusal: Refusal) -> str | None:
    """The extension that a refused name most looks like."""
    found = _EXTENSION.fullmatch(refusal.message)
    close = get_close_matches(found["name"], sorted(builds.known_extensions()), n=1) if found else []
    return close[0] if close else None


def _of_its_age(refusal: Refusal, script: Script, here: int, production: int | None) -> Lack | None:
    offset = None
    if refusal.line is not None and refusal.column is not None:
        offset = script.line_starts[refusal.line - 1] + refusal.column - 1
    found = majors.newer(here, sqlstate=refusal.sqlstate, message=refusal.message, text=script.text, offset=offset)
    if found is None:
        return None
    what, novelty = found
    why = f"came with PostgreSQL {novelty.since}, and this server is {here}"
    return _unless_production_lacks_it(what, why, novelty.since, None, production)


def _unless_production_lacks_it(what: str, why: str, since: int, last: int | None, production: int | None) -> Lack:
    if production is not None and not (since <= production <= (last or production)):
        return Lack(what=what, why=why, who=f"production runs {production}, which has it not either", excuses=False)
    return Lack(what=what, why=why, who=f"--pg {production or last or since} has it")


def _of_its_extensions(
    connection: psycopg.Connection, refusal: Refusal, here: int, production: int | None, platform: str, spec: str
) -> Lack | None:
    if refusal.sqlstate == "0A000" and (found := _EXTENSION.fullmatch(refusal.message)):
        name = found["name"]
        since, last = builds.BROUGHT.get(name), builds.LAST.get(name)
        if since and here < since:
            why = f"came with PostgreSQL {since}, and this server is {here}"
            return _unless_production_lacks_it(name, why, since, None, production)
        if last and here > last:
            why = f"left PostgreSQL with {last + 1}, and this server is {here}"
            return _unless_production_lacks_it(name, why, majors.KNOWN[0], last, production)
        who = builds.who_has_extension(name, production or here, but=spec)
        return Lack(what=name, why="is not in this server's build", who=who) if who else None
    if refusal.sqlstate == "58P01" and (found := _LIBRARY.fullmatch(refusal.message)):
        who = builds.who_has_extension(found["name"], production or here, but=spec) or builds.who_is_built_with("", here)
        return Lack(what=found["name"], why=f"cannot be loaded by this server ({found['why']})", who=who)
    if refusal.sqlstate == "42883" and platform == "supabase" and (found := _FUNCTION.fullmatch(refusal.message)):
        for extension, functions in _AT_HAND.items():
            if found["name"] in functions.split() and not _is_available(connection, extension):
                who = builds.who_has_extension(extension, production or here, but=spec) or ""
                why = "is not in this server's build"
                return Lack(what=f"{extension}, which has {found['name']}(),", why=why, who=who)
    return None


def _of_its_libraries(refusal: Refusal, major: int, spec: str) -> Lack | None:
    for words in (refusal.message, refusal.detail or ""):
        found = next((match for each in _BUILD if (match := each.fullmatch(words))), None)
        if found and refusal.sqlstate in ("0A000", "22023"):
            library = found["library"]
            who = builds.who_is_built_with(library, major, but=spec)
            return Lack(what=library, why="is not in this server's build", who=who)
    return None


def _of_its_collations(connection: psycopg.Connection, refusal: Refusal, major: int, spec: str) -> Lack | None:
    found = _COLLATION.fullmatch(refusal.message) or _LOCALE.fullmatch(refusal.message)
    if refusal.sqlstate not in ("42704", "22023") or found is None:
        return None
    name = found["name"]
    if (icu := _ICU_COLLATION.fullmatch(name)) and not _has_icu(connection):
        if _is_locale(icu["language"], icu["territory"]):
            who = builds.who_is_built_with("ICU", major, but=spec)
            return Lack(what=f"the collation {name} is ICU's, which", why="is not in this server's build", who=who)
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


def _is_available(connection: psycopg.Connection, extension: str) -> bool:
    query = "SELECT FROM pg_catalog.pg_available_extensions WHERE name = %s"
    return connection.execute(query, (extension,)).fetchone() is not None


def _has_icu(connection: psycopg.Connection) -> bool:
    query = "SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i' AND collname LIKE '%-x-icu' LIMIT 1"
    return connection.execute(query).fetchone() is not None
