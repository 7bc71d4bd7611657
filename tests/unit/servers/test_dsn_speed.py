"""Queries are measured on a server that its owner names, as whoever he lets us be, and nothing of them stays."""

from __future__ import annotations

import pytest
from case_projects import case
from owner import owner_of
from pgcontract import RunOptions, load_project, verify
from pgcontract.result import Status


@pytest.mark.parametrize("user", ["maker", "boss"], ids=["as who makes databases and roles", "as a superuser"])
def test_queries_are_measured_on_an_owners_server(user: str) -> None:
    with owner_of("wheel") as owner, case("query.index/kept").project() as root:
        before = owner.everything()
        run = verify(load_project(root), RunOptions(pg=owner.spec(user), only=("query.index", "query.latency")))
        after = owner.everything()

    statuses = {finding.check: finding.status for finding in run.findings}
    assert (before, {"query.index": Status.KEPT, "query.latency": Status.NOTED}) == (after, statuses)
