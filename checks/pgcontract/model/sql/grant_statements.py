"""Reads GRANT and REVOKE: who may do something to which object."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.model.sql.identifiers import dotted, quoted
from pgcontract.model.sql.object_references import read_kind, read_object
from pgcontract.model.sql.text_catalog import Ledger, Path
from pgcontract.model.sql.token_cursor import Cursor


def read_grant(at: Cursor, ledger: Ledger, *, revoke: bool = False) -> None:
    """Writes down a grant as `<kind> <object> to <grantee>`; a REVOKE of everything takes it away again."""
    if revoke and at.takes("GRANT", "OPTION", "FOR"):
        return
    first = at.at
    if at.seek("ON", "TO", "FROM") != "ON":
        # Membership in a role is no privilege on an object.
        return
    privileges = at.tokens[first : at.at]
    everything = [token.upper for token in privileges] in (["ALL"], ["ALL", "PRIVILEGES"])
    at.next()
    granted = list(_granted(at, ledger))
    objects = [(kind, name) for kind, name, _ in granted]
    if columns := _columns(Cursor(privileges)):
        objects = [("column", dotted(*path, column)) for _, _, path in granted for column in columns]
    at.seek("TO", "FROM")
    at.next()
    for grantee in _grantees(at):
        for kind, name in objects:
            if not revoke:
                ledger.note("grant", f"{kind} {name} to {grantee}", (kind, name))
            elif everything:
                ledger.drop("grant", f"{kind} {name} to {grantee}")


def _granted(at: Cursor, ledger: Ledger) -> Iterator[tuple[str, str, Path]]:
    """What a GRANT is on: kind, name and the raw parts of the name."""
    if at.takes("ALL"):
        yield from _all_in_schema(at, ledger)
        return
    kind = read_kind(at)
    if not kind and at.peek() in ("DATABASE", "LANGUAGE", "LARGE", "FOREIGN", "PARAMETER", "TABLESPACE"):
        ledger.miss(f"GRANT ON {at.peek()} is not followed here")
        at.seek("TO", "FROM")
        return
    while True:
        if kind in ("", "table"):
            place = ledger.existing(at.path(), "table", "view", "sequence")
            name = dotted(*place)
            yield next((each for each in ("view", "sequence") if (each, name) in ledger.left), "table"), name, place
        else:
            yield kind, *read_object(at, ledger, kind)
        if not at.takes(","):
            return


def _all_in_schema(at: Cursor, ledger: Ledger) -> Iterator[tuple[str, str, Path]]:
    """ALL TABLES IN SCHEMA and its like: what the script made there; what else is there the text does not tell."""
    words = at.next().upper
    kinds = {"TABLES": ("table", "view"), "SEQUENCES": ("sequence",)}.get(words, ("function",))
    at.takes("IN", "SCHEMA")
    schemas = [path[0] for path in at.paths()]
    ledger.miss(f"ALL {words} IN SCHEMA reaches objects that the text does not name")
    for made in list(ledger.left.values()):
        if made.kind in kinds and made.path[0] in schemas:
            yield made.kind, made.name, made.path


def _columns(privileges: Cursor) -> tuple[str, ...]:
    """The columns that column privileges name, once each."""
    names: dict[str, None] = {}
    while privileges:
        if privileges.peek() == "(":
            names.update(dict.fromkeys(path[0] for path in privileges.group().paths()))
        else:
            privileges.next()
    return tuple(names)


def _grantees(at: Cursor) -> Iterator[str]:
    while at:
        at.takes("GROUP")
        yield "public" if at.peek() == "PUBLIC" else quoted(at.name())
        if not at.takes(","):
            return
