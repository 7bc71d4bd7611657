"""Traps in the schema: what is allowed, works today, and fails somebody later."""
