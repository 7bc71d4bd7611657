"""What each role was seen to reach of one thing that the public interface shows."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class RoleAccess:
    """One table, view or function; `form` says which. `project` is in which projects it is so, by their age; empty
    where in all. The others are the operations that reached a row (SELECT, INSERT, UPDATE, DELETE, EXECUTE), and
    TRUNCATE where the privilege is held: of anon; of a signed-in user on his `own` row and on `others` (all rows that
    are nobody's, too); of service_role."""

    name: str
    form: str
    project: str = ""
    anon: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
