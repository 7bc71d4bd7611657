"""One call runs everything: plan the checks, run them on a fresh server, conclude a Run.

The interfaces (command line, pytest, CI) build the arguments of `verify` or `Session` and print the result.
"""

from __future__ import annotations

from pgcontract.runner.check_infos import check_infos
from pgcontract.runner.findings import make_unanswered_finding
from pgcontract.runner.item import Item
from pgcontract.runner.plan import Plan, plan
from pgcontract.runner.session import NO_SERVER, Session
from pgcontract.runner.verification import Change, changes, conclude, verify, verify_with_baseline
