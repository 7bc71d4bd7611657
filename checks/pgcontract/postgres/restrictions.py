"""Why a script fails on an owner's server through no fault of the script.

The role that a run makes for itself owns nothing but its own databases: the server enforces that, not a reading of
the text. The text is read only to explain a refusal, or that a role has another name than in production.
"""

from __future__ import annotations

import re
from typing import Final

from pgcontract.postgres.platform import MIGRATOR
from pgcontract.postgres.roles import Roles

OWN_SERVER_HINT: Final = "a server of its own shows it: --pg wheel, or --pg docker"

_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_CREATE_ROLE = re.compile(r"\bcreate\s+(?:role|user(?!\s+mapping)|group)\b", re.IGNORECASE)
_MIGRATOR_NAME = re.compile(rf'(?<![\w.])"?{MIGRATOR}"?(?![\w.])|\'{MIGRATOR}\'', re.IGNORECASE)
_ATTRIBUTE_KEYWORDS: Final = {
    "CREATEROLE": re.compile(r"\b(?:role|user|group)\b", re.IGNORECASE),
    "CREATEDB": re.compile(r"\bdatabase\b", re.IGNORECASE),
    "REPLICATION": re.compile(r"\breplication\b", re.IGNORECASE),
    "BYPASSRLS": re.compile(r"\bbypassrls\b", re.IGNORECASE),
}


def creates_roles(text: str) -> bool:
    """Whether a script may make a role, which every run on the server would see."""
    return bool(_CREATE_ROLE.search(text))


def explain_untestable(text: str, roles: Roles) -> str:
    """Why a script cannot be tested when the migrating role has another name than production's; empty where it can."""
    code = _NOT_CODE.sub(lambda found: found[0] if found[0][1:-1] == MIGRATOR else " ", text)
    if roles.migrator != MIGRATOR and _MIGRATOR_NAME.search(code):
        return (
            f"the script names the role {MIGRATOR}, which migrates in production but not on this server, where it is "
            f"{roles.migrator}; {OWN_SERVER_HINT}"
        )
    return ""


def explain_refusal(sqlstate: str, statement: str, roles: Roles) -> str:
    """Why a refusal is due to this server and not to the script; empty where it is due to the script."""
    if sqlstate == "42710" and _CREATE_ROLE.search(statement):
        return f"the role is on this server already, made by somebody else; {OWN_SERVER_HINT}"
    if sqlstate == "42501":
        for missing_privilege in roles.missing_privileges:
            attribute, _, role = missing_privilege.partition(" of ")
            if role == MIGRATOR and attribute in _ATTRIBUTE_KEYWORDS and _ATTRIBUTE_KEYWORDS[attribute].search(statement):
                return (
                    f"the role that migrates on this server, {roles.migrator}, is without {attribute}; {OWN_SERVER_HINT}"
                )
    return ""
