"""What a migration's text says, before any server is asked: its statements, their places, what they create."""

from __future__ import annotations

from .script import MAX_PARSED_BYTES, Script, Statement, place, read_script, split_statements

__all__ = ["MAX_PARSED_BYTES", "Script", "Statement", "place", "read_script", "split_statements"]
