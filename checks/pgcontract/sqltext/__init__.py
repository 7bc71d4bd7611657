"""What a migration's text says, before any server is asked: its statements, their places, what they create."""

from __future__ import annotations

from pgcontract.sqltext.ledger import Created, Dropped, Unread
from pgcontract.sqltext.listing import Counted, Inventory, inventory
from pgcontract.sqltext.script import MAX_PARSED_BYTES, Script, Statement, place, read_script, split_statements

__all__ = [
    "MAX_PARSED_BYTES",
    "Counted",
    "Created",
    "Dropped",
    "Inventory",
    "Script",
    "Statement",
    "Unread",
    "inventory",
    "place",
    "read_script",
    "split_statements",
]
