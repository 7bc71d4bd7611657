"""A later contract takes back whatever an earlier one declares, in every section."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract import RunOptions, load_project
from pgcontract.contract.sections import SECTIONS
from pgcontract.errors import ContractError
from pgcontract.runner import plan
from written_files import write_files

TABLE = """
comments = "optional"

[table."public.t"]
primary_key = ["id"]
columns.id = { type = "integer" }
columns.state = { type = "text" }
columns.at = { type = "timestamptz" }
"""
DECLARED = {
    "timestamp": '[timestamp.one]\ncolumn = "public.t.at"\nset_on = ["update"]\n',
    "format": '[format.one]\ncolumn = "public.t.state"\nstandard = "not_blank"\n',
    "presence": '[presence.one]\ncolumn = "public.t.at"\npresent_when = "state = \'x\'"\n',
    "state_machine": '[state_machine.one]\ncolumn = "public.t.state"\ninitial = ["a"]\ntransitions = { a = ["b"] }\n',
    "query": '[query.one]\nsql = "SELECT 1 FROM public.t"\n',
    "flow": '[flow.one]\ntable = "public.t"\nstep = [{ name = "a", sql = "DELETE FROM public.t" }]\n',
    "race": '[race.one]\ntable = "public.t"\nstep = [{ sql = "DELETE FROM public.t" }]\ndescription = "x"\n'
    'violations = "SELECT 1 FROM public.t"\n',
    "existing_rows": '[existing_rows.one]\nsql = "SELECT 1"\n',
    "verification": '[[verification]]\nid = "one"\ndescription = "x"\nsql = "SELECT 1"\nrow_count = 1\n',
    "waiver": '[[waiver]]\ncheck = "table.present"\nreason = "x"\nowner = "Ann"\nuntil = 2026-12-31\n',
    "dataset": "[dataset]\nsizes = [10]\n",
}
RETIRED = {
    "verification": '[[verification]]\nid = "one"\nremoved = true\n',
    "waiver": '[[waiver]]\ncheck = "table.present"\nremoved = true\n',
    "dataset": "[dataset]\nremoved = true\n",
}


def chain(root: Path, first: str, second: str) -> Path:
    for number, text in ((1, f"{TABLE}\n{first}"), (2, f'comments = "optional"\n{second}')):
        contract = f'migration = "{number}_t.sql"\n{text}'
        write_files(root, {f"migrations/{number}_t.sql": "SELECT 1;", f"contracts/{number}_t/contract.toml": contract})
    return root


def test_every_section_is_asked_here() -> None:
    assert {section.heading.key for section in SECTIONS} == DECLARED.keys()


@pytest.mark.parametrize("section", DECLARED)
def test_what_is_taken_back_is_asked_at_the_head_no_more(section: str, tmp_path: Path) -> None:
    retired = RETIRED.get(section, f"[{section}.one]\nremoved = true\n")
    project = load_project(chain(tmp_path, DECLARED[section], retired))
    contract = project.at_head.chain[0].contract
    assert contract is not None

    assert () == contract.sections
    assert not [item for item in plan(project, RunOptions()).items if item.check.startswith(("query.", "write."))]


def test_what_was_never_declared_cannot_be_taken_back(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as refused:
        load_project(chain(tmp_path, DECLARED["flow"], "[flow.won]\nremoved = true\n"))

    expected = "contract.toml:3: flow.won is not declared before this, so it cannot be removed; did you mean `one`?"
    assert str(refused.value).endswith(expected)
