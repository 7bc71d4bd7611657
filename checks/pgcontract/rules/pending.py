"""The subject of what a deploy does: the script of a migration that is still to come."""

from __future__ import annotations

from pgcontract.probes.promise import Promise


def pending_script(promise: Promise) -> tuple[str, ...]:
    """`script`, where production does not have the migration yet and there is a statement in it."""
    return ("script",) if promise.is_pending and not promise.script.is_empty else ()
