"""Why a script fell short on a server that is somebody else's, where that is no fault of the script's.

The role that a run makes for itself owns nothing but its own databases: it is the server that holds it, no reading of
the text. What is read here only explains a refusal, or that a role goes by another name than in production.
"""

from __future__ import annotations

import re
from typing import Final

from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.roles import Cast

ELSEWHERE: Final = "a server of its own shows it: --pg wheel, or --pg docker"

_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
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


def beyond(text: str, cast: Cast) -> str:
    """Why a script says nothing when another role than production's migrates; empty where it may be run."""
    code = _NOT_CODE.sub(lambda found: found[0] if found[0][1:-1] == MIGRATOR else " ", text)
    if cast.migrator != MIGRATOR and _NAMES_PRODUCTIONS.search(code):
        return (
            f"the script names the role {MIGRATOR}, which migrates in production but not on this server, where it is "
            f"{cast.migrator}; {ELSEWHERE}"
        )
    return ""


def shortfall(sqlstate: str, statement: str, cast: Cast) -> str:
    """Why a refusal is this server's and no fault of the script's; empty where it is the script's."""
    if sqlstate == "42710" and _MAKES_ROLES.search(statement):
        return f"the role is on this server already, made by somebody else; {ELSEWHERE}"
    if sqlstate == "42501":
        for lack in cast.lacking:
            word, _, of = lack.partition(" of ")
            if of == MIGRATOR and word in _ROLE_WORDS and _ROLE_WORDS[word].search(statement):
                return f"the role that migrates on this server, {cast.migrator}, is without {word}; {ELSEWHERE}"
    return ""
