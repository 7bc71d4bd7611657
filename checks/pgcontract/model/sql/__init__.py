"""What a migration's text says, before any server is asked: its statements, their places, what they create."""

from __future__ import annotations

from pgcontract.model.sql.commands import opens_as_sql
from pgcontract.model.sql.inventory import Inventory, inventory
from pgcontract.model.sql.script import (
    MAX_PARSED_BYTES,
    Script,
    Statement,
    line_and_column,
    read_script,
    split_statements,
)
from pgcontract.model.sql.text_catalog import Created, Unread

__all__ = [
    "MAX_PARSED_BYTES",
    "Created",
    "Inventory",
    "Script",
    "Statement",
    "Unread",
    "inventory",
    "line_and_column",
    "opens_as_sql",
    "read_script",
    "split_statements",
]
