"""Why a script fails on an owner's server through no fault of the script.

The login that migrates there has no power but over its own databases: the server enforces that, not a reading of the
text. The text is read only to say why a role has another name than in production, or is not made.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg

from pgcontract.postgres.platform import MIGRATOR, Platform
from pgcontract.postgres.roles import Roles

OWN_SERVER_HINT: Final = "a server of its own shows it: --pg wheel, or --pg docker"

_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_CREATE_ROLE = re.compile(r"\bcreate\s+(?:role|user(?!\s+mapping)|group)\b", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"\d+ objects? in database \S+")
_HIDES_REFUSALS = re.compile(r"\bwhen\s[^;]*?\b(?:others|insufficient_privilege)\b", re.IGNORECASE)
_MIGRATOR_NAME = re.compile(rf'(?<![\w.])"?{MIGRATOR}"?(?![\w.])|\'{MIGRATOR}\'', re.IGNORECASE)
# The server's functions that say 42501 where an attribute or a membership is missing, on 15 to 18: they are named in any
# language, and for a statement that a function or DO put together. What else is refused, production refuses too.
_ATTRIBUTE_OF: Final = {
    **dict.fromkeys(("CreateRole", "AlterRole", "AlterRoleSet", "DropRole", "RenameRole"), "CREATEROLE"),
    **dict.fromkeys(("AddRoleMems", "DelRoleMems", "check_role_membership_authorization"), "CREATEROLE"),
    "check_object_ownership": "CREATEROLE",  # COMMENT ON ROLE
    **dict.fromkeys(("createdb", "RenameDatabase", "AlterDatabaseOwner"), "CREATEDB"),
    "CheckSlotPermissions": "REPLICATION",
    "check_enable_rls": "BYPASSRLS",
}
_MEMBERSHIP_FUNCTIONS: Final = frozenset(
    (
        *("check_can_set_role", "check_is_member_of_role", "call_string_check_hook"),  # the last is SET ROLE
        *("DropOwnedObjects", "ReassignOwnedObjects", "ExecAlterDefaultPrivilegesStmt"),
    )
)
# Where the server's words are English: what takes a superuser, which nobody who migrates is.
_FOR_SUPERUSERS: Final = re.compile(r"superuser|session authorization|settings globally|alter setting", re.IGNORECASE)


def explain_untestable(text: str, roles: Roles) -> str:
    """Why a script cannot be tested by this login; empty where it can.

    Its name is not production's; and a script that takes a refused CREATE ROLE for granted would go on without the role.
    """
    code = _NOT_CODE.sub(lambda found: found[0] if found[0][1:-1] == MIGRATOR else " ", text)
    if roles.migrator != MIGRATOR and _MIGRATOR_NAME.search(code):
        return (
            f"the script names the role {MIGRATOR}, which migrates in production but not on this server, where it is "
            f"{roles.migrator}; {OWN_SERVER_HINT}"
        )
    if roles.is_powerless and creates_roles(text) and _HIDES_REFUSALS.search(code):
        return f"the script makes roles and hides where it may not, as on this server; {OWN_SERVER_HINT}"
    return ""


def creates_roles(text: str) -> bool:
    """Whether a script may make a role."""
    return bool(_CREATE_ROLE.search(text))


def explain_neighbours(error: psycopg.Error) -> str:
    """Why a role cannot be dropped where only the run's own copies of the database stand in the way; else empty."""
    diag = error.diag
    lines = (diag.message_detail or "").splitlines()
    if diag.sqlstate != "2BP01" or not lines or not all(map(_ELSEWHERE.fullmatch, lines)):
        return ""
    return (
        f"{diag.message_primary}: the copies of the database that this run keeps from before the script give it rights, "
        "so its DROP cannot be shown here; in production it is refused only where another database does"
    )


def explain_refusal(error: psycopg.Error, roles: Roles, platform: Platform, *, roles_to_make: bool) -> str:
    """Why a refusal is due to who migrates on this server; empty where the script earned it.

    With `roles_to_make`, a script of the chain makes roles, and one that is missing may be among those.
    """
    diag = error.diag
    message = " ".join((diag.message_primary or "").split())
    if diag.sqlstate == "42704" and roles_to_make and diag.source_function in ("get_role_oid", "get_rolespec_tuple"):
        return f"{message}: migrations make no roles on this server; {OWN_SERVER_HINT}"
    if diag.sqlstate != "42501" or _FOR_SUPERUSERS.search(f"{message} {diag.message_detail or ''}"):
        return ""
    attribute = _ATTRIBUTE_OF.get(diag.source_function or "")
    if attribute in platform.migrator.attributes:
        what = f"is without {attribute}"
    elif diag.source_function in _MEMBERSHIP_FUNCTIONS:
        what = "is a member of no other role"
    else:
        return ""
    return f"the role that migrates on this server, {roles.migrator}, {what} ({message}); {OWN_SERVER_HINT}"
