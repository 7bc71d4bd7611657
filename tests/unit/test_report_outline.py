"""The report is laid out as its owner's outline says; ids of claims and places in Python decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from case_tables import cases
from pgcontract import reporting
from pgcontract.contract import load_project
from pgcontract.contract.report_outline import Kind, default_outline
from pgcontract.errors import ContractError
from pgcontract.model.schema import Schema
from pgcontract.reporting.json import from_json, to_json
from pgcontract.result import Content, Outline, Run, RunOptions
from pgcontract.rules.registry import checks
from pgcontract.runner import plan, verify
from pgcontract.runner.decisions import DECISIONS
from refusals import refusal
from runs import RUNS, base, kept
from written_files import write_files

SHIPPED = Path(__file__).parents[2] / "schema"
GUARD = """
CREATE TABLE public.invoice (id integer PRIMARY KEY, total integer);
CREATE FUNCTION public.no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$;
CREATE TRIGGER guard BEFORE DELETE ON public.invoice FOR EACH ROW EXECUTE FUNCTION public.no_delete();
"""
CONTRACT = """
migration = "001_invoice.sql"
comments = "optional"
[table."public.invoice"]
columns.id = { type = "integer", null = false }
columns.total = { type = "integer" }
primary_key = ["id"]
triggers.guard = { timing = "before", events = ["delete"], level = "row", function = "public.no_delete()" }
[function."public.no_delete()"]
language = "plpgsql"
returns = "trigger"
body = " BEGIN RAISE EXCEPTION 'kept'; END "
"""
CLAIMS = """
[[claim]]
id = "A1"
section = "guards"
description = "No invoice is deleted"
checks = ["trigger.present[public.invoice.guard]", "table.present[public.invoice]"]
[[claim]]
id = "G1"
description = "It counts in whole cents"
checks = ["column.type[public.invoice.total]"]
[[claim]]
id = "T1"
description = "The auditor was told"
untestable = "He was told by telephone."
"""
OUTLINE = """
[[report.section]]
id = "summary"
[[report.section]]
id = "guards"
title = "What guards the books"
text = "The law asks for ten years."
families = ["trigger", "function"]
objects = ["trigger", "function"]
[[report.section]]
id = "tables"
title = "The books"
[[report.section]]
id = "migration"
[[report.section]]
id = "unchecked"
"""

Write = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """A project of one migration, another owner's than the shipped one's, with this outline and these claims."""

    def write(outline: str = OUTLINE, claims: str = CLAIMS) -> Path:
        contracts = {"contracts/001_invoice/contract.toml": CONTRACT, "contracts/001_invoice/claims.toml": claims}
        return write_files(tmp_path, {"migrations/001_invoice.sql": GUARD, **contracts, "pgcontract.toml": outline})

    return write


def headings(page: str) -> list[str]:
    return [line.removeprefix("## ") for line in page.split("\n") if line.startswith("## ")]


def standing(page: str, text: str) -> list[str]:
    """The sections that have a line which begins so."""
    return [
        section.split("\n")[0]
        for section in page.split("\n## ")[1:]
        if any(line.startswith(text) for line in section.split("\n"))
    ]


def test_another_owners_claims_and_guard_stand_where_he_says(written: Write) -> None:
    page = reporting.render(verify(load_project(written()), RunOptions(pg="none")), "markdown")
    claims = {name: standing(page, f"| {name} | “") for name in ("A1", "G1", "T1")}

    assert (headings(page), claims, standing(page, "| `guard` |"), standing(page, "The law")) == (
        ["Summary", "What guards the books", "The books", "The migration", "What was not checked, and why"],
        {"A1": ["What guards the books"], "G1": ["The books"], "T1": ["The migration"]},
        ["What guards the books"],
        ["What guards the books"],
    )


def test_without_an_outline_a_claim_stands_with_most_of_its_checks(written: Write) -> None:
    claims = CLAIMS.replace('section = "guards"\n', "")
    page = reporting.render(verify(load_project(written("", claims)), RunOptions(pg="none")), "markdown")

    assert {name: standing(page, f"| {name} | “") for name in ("A1", "G1", "T1")} == {
        "A1": ["Triggers and functions"],
        "G1": ["Tables and columns"],
        "T1": ["The migration"],
    }


def test_the_shipped_chain_has_the_sections_of_its_document() -> None:
    outline = load_project(SHIPPED).outline
    default = {section.id: section for section in default_outline().sections}
    same = [
        section.id
        for section in outline.sections
        if section == replace(default[section.id], title=section.title, text=section.text)
    ]

    assert (same, [section.title for section in outline.sections]) == (
        list(default),
        [
            "Executive summary", "Migration details", "What it does to a live table",
            "Table schema with field purposes", "Indexes", "Audit trigger",
            "Data validation rules", "Deployment instructions", "Verification", "Integration points", "ACID compliance",
            "Performance characteristics", "Rollback plan", "Status summary", "What was not checked, and why",
            "Next steps", "", "Appendix A: full SQL",
        ],
    )  # fmt: skip


def test_every_claim_of_the_shipped_chain_names_its_section() -> None:
    contracts = [migration.contract for migration in load_project(SHIPPED).chain]

    assert [] == [claim.id for contract in contracts if contract for claim in contract.claims if not claim.section]


def test_default_outline_names_every_family_or_leaves_it_to_the_general_section() -> None:
    outline = default_outline()
    families = {check.partition(".")[0] for check in checks()} | {info.family for info in DECISIONS}
    named = {family for section in outline.sections for family in section.families} - {"*"}

    assert (outline.general.id, named - families, families - named) == (
        "migration",
        set(),
        {"baseline", "bucket", "callback", "claim", "contract", "error_detail", "expression", "extension", "file",
         "gate", "ignore", "migration", "object", "schema", "script", "seed", "waiver"},
    )  # fmt: skip


def test_kinds_of_object_are_those_of_a_schema() -> None:
    hints = get_type_hints(Schema)

    assert {"*", *(get_args(hints[field.name])[0].kind for field in fields(Schema))} == set(get_args(Kind))


def test_every_content_has_a_template_of_its_name() -> None:
    templates = files("pgcontract.reporting").joinpath("templates/sections").iterdir()

    assert {f"{content}.md.j2" for content in get_args(Content)} == {template.name for template in templates}


@pytest.mark.parametrize("name", RUNS)
def test_an_outline_in_another_order_gives_the_same_sections_in_that_order(name: str) -> None:
    first, *others = RUNS[name].outline.sections
    page = reporting.render(RUNS[name], "markdown")
    turned = reporting.render(replace(RUNS[name], outline=Outline(sections=(first, *reversed(others)))), "markdown")

    assert headings(turned) == [headings(page)[0], *reversed(headings(page)[1:])]


def test_object_findings_stand_with_their_kind_and_others_in_general() -> None:
    outline = default_outline()
    places = {
        subject: outline.section_of("object.commented", subject).id
        for subject in ("index public.i", "policy public.t.p", "trigger public.t.g")
    }

    assert (places, outline.section_of("bloat.low", "public.t").id) == (
        {"index public.i": "indexes", "policy public.t.p": "tables", "trigger public.t.g": "triggers"},
        "migration",
    )


def test_a_finding_of_a_family_that_nobody_names_is_on_the_page() -> None:
    page = reporting.render(base(findings=(kept("bloat.low", "public.t", "It is small."),)), "markdown")

    assert standing(page, "KEPT: `bloat.low` (E1).") == ["The migration"]


def test_a_run_json_gives_back_the_outline() -> None:
    run: Run = base()

    assert from_json(to_json(run)).outline == run.outline


@cases(("outline", "expected"), {
    "one id twice": (OUTLINE + '[[report.section]]\nid = "tables"\n',
        "17: section tables is there twice, first at pgcontract.toml:10; give each its own id"),
    "no title": (OUTLINE + '[[report.section]]\nid = "index"\n',
        "17: section index has no `title`; give it one, or name a default section: did you mean `indexes`?"),
    "one family twice": (OUTLINE + '[[report.section]]\nid = "mine"\ntitle = "Mine"\nfamilies = ["trigger"]\n',
        "17: section mine: `trigger` of `families` is in section guards already"),
    "unknown content": (OUTLINE + '[[report.section]]\nid = "mine"\ntitle = "Mine"\nshows = ["sqll"]\n',
        "20: report.section[6].shows[1]: the text 'sqll' is not known; did you mean `sql`?"),
    "without what was not checked": (OUTLINE.replace('[[report.section]]\nid = "unchecked"\n', ""),
        '2: no section shows `unchecked`, which no report leaves out; give one shows = ["unchecked"]'),
    "without a general section": (OUTLINE.replace('[[report.section]]\nid = "migration"\n', ""),
        '2: no section takes the checks that no other one names; give one families = ["*"]'),
    "verdict not first": ('[[report.section]]\nid = "indexes"\n' + OUTLINE,
        '1: a report begins with its verdict; put the section that has shows = ["verdict"] first'),
    "unknown family": (OUTLINE.replace('families = ["trigger",', 'families = ["triger",'),
        "4: section guards: no check is of the family 'triger'; the nearest is 'trigger'"),
})  # fmt: skip
def test_mistakes_in_an_outline(outline: str, expected: str, written: Write) -> None:
    root = written(outline, "")
    said = refusal(lambda: plan(load_project(root)), error=ContractError)

    assert f"pgcontract.toml:{expected}" == said.replace(f"{root}/", "")
