"""One call runs everything: plan what to ask, ask it on a fresh server, conclude a Run.

The doors (command line, pytest, CI) make the arguments of `verify` or `Session` and print the result.
"""

from __future__ import annotations

from pgcontract.runner.plan import DEFAULT_SEED, Item, Plan, plan
from pgcontract.runner.session import NO_SERVER, Event, Session
from pgcontract.runner.verification import changes, conclude, verify

__all__ = [
    "DEFAULT_SEED",
    "NO_SERVER",
    "Event",
    "Item",
    "Plan",
    "Session",
    "changes",
    "conclude",
    "plan",
    "verify",
]
