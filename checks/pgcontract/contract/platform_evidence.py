"""Whether migrations are meant for Supabase, told by where they lie and by what they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder
from pgcontract.model.sql import Script, code
from pgcontract.patterns import lazy_pattern

SUPABASE: Final = "supabase"
PLATFORMS: Final = ("postgres", SUPABASE)

_LEVELS: Final = 3
_ROLES: Final = frozenset(("anon", "authenticated", "service_role"))
_WORDS: Final = ("auth", "storage", *_ROLES)
_LIKELY: Final = lazy_pattern(r"\b(?:anon|authenticated|service_role|auth|storage)\b")
_NAME: Final = r'(?:"[^"]*"|[\w$]++)'
_LIST: Final = rf"{_NAME}(?:\s*,\s*{_NAME})*+"
_END: Final = r'"?(?![\w$"])'
_OBJECT: Final = (
    r'(?<![\w$.])"?(?P<schema>auth|storage)"?\s*\.\s*'
    r'"?(?P<name>uid|jwt|role|email|users|identities|sessions|objects|buckets|foldername|filename|extension)'
)
_FUNCTION: Final = lazy_pattern(
    r'(?<![\w$.])"?(?P<schema>auth|storage)"?\s*\.\s*"?(?P<name>uid|jwt|role|email|foldername|filename|extension)"?\s*\('
)
# Behind these words stands a table; elsewhere it may be a column of something that is called auth.
_TABLE: Final = lazy_pattern(
    r"\b(?:from|join|references|on|into|update|table|only)\s+"
    r'"?(?P<schema>auth|storage)"?\s*\.\s*"?(?P<name>users|identities|sessions|objects|buckets)' + _END + r"(?!\s*[=<>])"
)
_CREATED: Final = lazy_pattern(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:unlogged\s+)?(?:table|view|function|foreign\s+table|materialized\s+view)\s+"
    r"(?:if\s+not\s+exists\s+)?" + _OBJECT + _END
)
_CREATED_SCHEMA: Final = lazy_pattern(
    r"\bcreate\s+schema\s+(?:if\s+not\s+exists\s+)?(?:authorization\s+)?" + r'"?(?P<name>auth|storage)' + _END
)
_CREATED_ROLE: Final = lazy_pattern(rf"\bcreate\s+(?:role|user|group)\s+(?P<name>{_NAME})")
# `to` is followed by roles, but where something is renamed, set or rolled back, or a rule is made.
_TO_ROLES: Final = lazy_pattern(
    rf"(?P<other>\brename\s+(?:(?:column|constraint|attribute|value)\s+)?(?:{_NAME}\s+)?|\bset\s+[\w$.]++\s+"
    rf"|\brollback\s+(?:(?:work|transaction)\s+)?|\bon\s+(?:select|insert|update|delete)\s+)?"
    rf"\bto\s+(?:group\s+)?(?P<roles>{_LIST})"
)
_ROLES_BEHIND: Final = (
    lazy_pattern(rf"\brevoke\b[^;]{{0,2000}}?\bfrom\s+(?:group\s+)?(?P<roles>{_LIST})"),
    lazy_pattern(rf"\b(?:set|local|session|for|alter)\s+(?:role|user)\s+(?:to\s+)?(?P<roles>{_LIST})"),
    lazy_pattern(rf"\bgrant\s+(?P<roles>{_LIST})\s+to\b"),
)


def supabase_evidence(
    folder: Folder, migrations: Iterable[Migration], *, layout: str, setup: Script | None = None
) -> str | None:
    """What shows that the migrations are meant for Supabase, as "003_x.sql uses auth.uid()"; None where nothing does.

    What a migration of the chain or the setup makes itself is the owner's, whatever it is called; and where that is one
    of Supabase's schemas, so is all else.
    """
    by_layout = "the folder is laid out as its command line does" if layout == SUPABASE else None
    return _place_evidence(folder) or by_layout or _text_evidence(migrations, setup)


def _place_evidence(folder: Folder) -> str | None:
    for parent in folder.parents(_LEVELS):
        if parent.name == SUPABASE:
            return f"the folder lies below {SUPABASE}/"
        if (parent / SUPABASE / "config.toml").is_file():
            return f"beside it is {SUPABASE}/config.toml"
    return None


def _text_evidence(migrations: Iterable[Migration], setup: Script | None) -> str | None:
    likely = [
        (migration.file, code(migration.up.text)) for migration in migrations if _is_likely(migration.up.text.lower())
    ]
    created = {name for _, words in likely for name in _created_names(words)}
    if setup is not None:
        created |= set(_created_names(code(setup.text)))
    if ("auth",) in created or ("storage",) in created:
        return None  # PostgREST's users have an `auth` and an `anon` of their own; and Supabase's could not be made twice
    if any(("role", role) in created for role in _ROLES):
        created |= {("role", role) for role in _ROLES}  # who makes one makes the others, here or elsewhere
    for file, words in likely:
        for name, what in _used_names(words):
            if name not in created:
                return f"{file} {what}"
    return None


def _is_likely(text: str) -> bool:
    """Whether it is worth reading: that one of the words is in it is found at once, that it stands alone soon."""
    return any(word in text for word in _WORDS) and _LIKELY.search(text) is not None


def _used_names(words: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The platform's names that a script uses, each with what it does."""
    for match in _FUNCTION.finditer(words):
        yield (match["schema"], match["name"]), f"uses {match['schema']}.{match['name']}()"
    for match in _TABLE.finditer(words):
        yield (match["schema"], match["name"]), f"uses {match['schema']}.{match['name']}"
    lists = [match["roles"] for match in _TO_ROLES.finditer(words) if match["other"] is None]
    lists += [match["roles"] for pattern in _ROLES_BEHIND for match in pattern.finditer(words)]
    for roles in lists:
        for role in re.findall(_NAME, roles):
            if (name := role.strip('"')) in _ROLES:
                yield ("role", name), f"names the role {name}"


def _created_names(words: str) -> Iterator[tuple[str, ...]]:
    for match in _CREATED.finditer(words):
        yield match["schema"], match["name"]
    for match in _CREATED_SCHEMA.finditer(words):
        yield (match["name"],)
    for match in _CREATED_ROLE.finditer(words):
        yield "role", match["name"].strip('"')
