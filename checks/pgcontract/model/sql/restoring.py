"""Where a restore goes on: what a dump says of the server that it is from, and of no other."""

from __future__ import annotations

import re
from typing import Final

from pgcontract.model.sql.statement import Statement

_UNDEFINED_OBJECT: Final = "42704"
_NO_PRIVILEGE: Final = "42501"
_INVALID_VALUE: Final = "22023"
_DUPLICATE_SCHEMA: Final = "42P06"
# What --clean drops is not there in an empty database: table, object, function, schema, column, database.
_NOT_THERE: Final = ("42P01", _UNDEFINED_OBJECT, "42883", "3F000", "42703", "3D000")
_NO_ROLE: Final = re.compile(r'role ".*" does not exist', re.DOTALL)
_OWNER: Final = re.compile(r"\bOWNER\s+TO\s+(?:\"(?:[^\"]|\"\")*\"|\S+)\s*\Z", re.IGNORECASE)
_DROPPED_PART: Final = re.compile(r"\bDROP\s+(?:CONSTRAINT|DEFAULT|COLUMN|IDENTITY)\b", re.IGNORECASE)
_PASSED_OVER: Final = frozenset((word,) for word in ("ALTER", "COMMENT", "DROP", "GRANT", "REVOKE", "SECURITY", "SET"))


def restore_goes_on(statement: Statement, *, sqlstate: str, message: str) -> bool:
    """Whether a refused statement of a dump leaves the schema and the rows what they were, and only owners, privileges,
    settings and comments of another server are lost by it. What makes an object, a policy among them, is never passed
    over."""
    lacks_role = sqlstate in (_UNDEFINED_OBJECT, _INVALID_VALUE) and bool(_NO_ROLE.fullmatch(message))
    match statement.words:
        case ("ALTER", "DEFAULT", *_):
            return lacks_role or sqlstate == _NO_PRIVILEGE
        case ("ALTER", *_) if _OWNER.search(statement.text):
            return lacks_role or sqlstate == _NO_PRIVILEGE
        case ("ALTER", *_) if _DROPPED_PART.search(statement.text):
            return sqlstate in _NOT_THERE
        case ("GRANT" | "REVOKE", *_):
            return lacks_role or sqlstate == _NO_PRIVILEGE
        case ("SET", "SESSION", *_):
            return lacks_role or sqlstate == _NO_PRIVILEGE
        case ("SET", *_):
            return sqlstate == _UNDEFINED_OBJECT
        case ("COMMENT" | "SECURITY", *_):
            return lacks_role or sqlstate in (_NO_PRIVILEGE, _INVALID_VALUE)
        case ("CREATE", "SCHEMA", "PUBLIC", *_):
            return sqlstate == _DUPLICATE_SCHEMA
        case ("DROP", *_):
            return sqlstate in _NOT_THERE
        case _:
            return False


def may_be_passed_over(statement: Statement) -> bool:
    """Whether there is a refusal of it that a restore passes over."""
    return statement.words[:1] in _PASSED_OVER or statement.words[:3] == ("CREATE", "SCHEMA", "PUBLIC")
