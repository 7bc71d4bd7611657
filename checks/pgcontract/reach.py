"""How far a script reaches on a server that is somebody else's: what is not handed to it there, and why it fell short.

The role that a run makes for itself owns nothing but its own databases, so the server holds it. A role of the owner's
could alter itself, its databases and, before 16, other roles: a script that names such things is not run as it.
"""

from __future__ import annotations

import re
from typing import Final

from pgcontract.cast import Cast
from pgcontract.stage import MIGRATOR

ELSEWHERE: Final = "a server of its own shows it: --pg wheel, or --pg docker"

_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_BEYOND = re.compile(
    r"\b(?:(?:create|alter|drop)\s+(?:role|user(?!\s+mapping)|group|database|tablespace)|alter\s+system|(?:drop|reassign)\s+owned"
    r"|comment\s+on\s+(?:role|database|tablespace)|set\s+session\s+authorization"
    r"|(?:grant|revoke)\s+(?:(?!\bon\b)[^;])*?\s+(?:to|from)\b|grant\s+[^;]*?\son\s+(?:database|tablespace|parameter))\b",
    re.IGNORECASE,
)
_MAKES_ROLES = re.compile(r"\bcreate\s+(?:role|user(?!\s+mapping)|group)\b", re.IGNORECASE)
_NAMES_PRODUCTIONS = re.compile(rf'(?<![\w.])"?{MIGRATOR}"?(?![\w.])|\'{MIGRATOR}\'', re.IGNORECASE)
_ROLE_WORDS: Final = {
    "CREATEROLE": re.compile(r"\b(?:role|user|group)\b", re.IGNORECASE),
    "CREATEDB": re.compile(r"\bdatabase\b", re.IGNORECASE),
    "REPLICATION": re.compile(r"\breplication\b", re.IGNORECASE),
    "BYPASSRLS": re.compile(r"\bbypassrls\b", re.IGNORECASE),
}


def makes_roles(text: str) -> bool:
    """Whether a script may make a role, which every run on the server would see."""
    return bool(_MAKES_ROLES.search(text))


def beyond(text: str, cast: Cast, *, own: bool) -> str:
    """Why a script is not run on this server, its own or another's; empty where it may be."""
    code = _NOT_CODE.sub(lambda found: found[0] if found[0][1:-1] == MIGRATOR else " ", text)
    if cast.migrator != MIGRATOR and _NAMES_PRODUCTIONS.search(code):
        return (
            f"the script names the role {MIGRATOR}, which migrates in production but not on this server, where it is "
            f"{cast.migrator}; {ELSEWHERE}, as does --pg dsn: of a role {MIGRATOR} that is no superuser"
        )
    if not own and not cast.hired and (found := _BEYOND.search(_inner(text))):
        return (
            f"the script has {' '.join(found[0].split()[:3]).upper()}, which reaches beyond its own database, and would "
            f"run as {cast.migrator}, a role of yours; give that role CREATEROLE, so that one of the run's own migrates, "
            f"or {ELSEWHERE}"
        )
    return ""


def _inner(text: str) -> str:
    """The text without comments; strings stay, for EXECUTE takes them."""
    return re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)


def shortfall(sqlstate: str, statement: str, cast: Cast) -> str:
    """Why a refusal is this server's and no fault of the script's; empty where it is the script's."""
    if sqlstate == "42704" and (gone := [name for name in cast.missing if re.search(rf"\b{name}\b", statement)]):
        return f"{_listed(gone)} not on this server and could not be made; give the role CREATEROLE, or {ELSEWHERE}"
    if sqlstate == "42710" and _MAKES_ROLES.search(statement):
        return f"the role is on this server already, made by somebody else; {ELSEWHERE}"
    if sqlstate == "42501":
        for lack in cast.lacking:
            word, _, of = lack.partition(" of ")
            if of == MIGRATOR and word in _ROLE_WORDS and _ROLE_WORDS[word].search(statement):
                return f"the role that migrates on this server, {cast.migrator}, is without {word}; {ELSEWHERE}"
    return ""


def _listed(names: list[str]) -> str:
    return f"the role {names[0]} is" if len(names) == 1 else f"the roles {', '.join(names)} are"
