"""An accepted draft of whatever loads: verified with it, a chain has the findings that it has without, no more, no fewer.

Eight of all schemas are asked here, and each by `nox -s drafts`: those that are written, and a chain for each seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project, verify
from pgcontract.drafting.chain_drafts import draft_chain, free_paths
from pgcontract.drafting.contract_draft import write_draft
from pgcontract.result import Run
from random_chains import Chain

HERE = Path(__file__).parent
SEEDS = range(90)
ALL = bool(os.environ.get("ALL_DRAFTS"))
# What only a superuser may make, and no migration of ours runs as one.
FORBIDDEN = ("EXTENSION postgres_fdw", "SERVER far", "FOREIGN TABLE", "EVENT TRIGGER")
ROLES = 'CREATE ROLE reader;\nCREATE ROLE writer;\nCREATE ROLE "Some One";\n'


def written(path: Path) -> tuple[str, ...]:
    """The scripts of one file, cut at its lines that open with `----`."""
    first, *others = path.read_text(encoding="utf-8").split("\n----")
    return (first, *(f"--{script}" for script in others))


def catalog_schema(path: Path) -> tuple[str, ...]:
    """The schema as a role that is no superuser may make it, with the roles it speaks of."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return (ROLES + "".join(line for line in lines if not any(word in line for word in FORBIDDEN)),)


WRITTEN = {path.stem: written(path) for path in sorted((HERE / "written").glob("*.sql"))}
CATALOGS = {path.stem: catalog_schema(path) for path in sorted((HERE.parent / "unit/schemas").glob("*.sql"))}
CHAINS = {**WRITTEN, **CATALOGS, **{f"seed {seed}": Chain(seed).scripts for seed in SEEDS}}
# They go through more branches of what reads and drafts than any others that take as long, as coverage.py counts.
SAMPLE = ("anew", "clocks", "hand", "functions", "generated_and_identity_columns", "seed 9", "seed 27")
ASKED = [(name, False) for name in (CHAINS if ALL else SAMPLE)] + [
    (name, True) for name in (CHAINS if ALL else ["supabase"])
]


@pytest.mark.parametrize(("name", "head"), ASKED, ids=lambda value: value if isinstance(value, str) else "")
def test_draft_has_the_findings_of_no_contract(name: str, head: bool, tmp_path: Path) -> None:
    for number, script in enumerate(CHAINS[name], 1):
        (tmp_path / f"{number:03}_x.sql").write_text(script, encoding="utf-8")
    before = verify(load_project(tmp_path))
    project = load_project(tmp_path)
    paths = free_paths(project, [project.head] if head else project.chain)
    for draft in draft_chain(project, paths, options=RunOptions(), accept=True, whole=head):
        write_draft(draft.text, draft.path)

    assert wrong(before) == wrong(verify(load_project(tmp_path)))


def wrong(run: Run) -> set[tuple[str, str, str, str]]:
    """What is broken or unknown, and how heavily it weighs."""
    return {
        (finding.check, finding.subject, finding.status.value, finding.severity.value if finding.severity else "")
        for finding in run.findings
        if finding.status.value in ("broken", "unknown", "error")
    }
