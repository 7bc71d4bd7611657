"""Plug-ins, as docs/own-rules.md has them: one package with one of each kind, and what goes wrong with others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from command import command_here
from pgcontract import formats, plugins, reporting
from pgcontract.contract.layouts import layouts
from pgcontract.plugins import Plugin
from pgcontract.rules import registry

DOCS = Path(__file__).parents[2] / "docs/own-rules.md"
CONTRACT = """
migration = "articles.sql"
promises = "declared"
[table."public.article"]
columns.sku = { type = "text", null = false }
[format.sku]
column = "public.article.sku"
standard = "sku"
letters = 2
accept = ["AB-1234"]
reject = ["ab-1234"]
"""
SQL = """
CREATE TABLE public.article (
    id integer PRIMARY KEY,
    sku text NOT NULL CHECK (sku ~ '^[A-Z]{2}-[0-9]{4}$'),
    price real
);
"""
RULE = """
from pgcontract import Answer, Status, check
WORDS = "T.\\n\\nWhy it matters: so.\\nHow it is measured: so.\\nWhat to do: nothing."
@check({id!r}, subjects={subjects}, explanation=WORDS, replays=True)
def rule(context):
    {body}
"""


def documented() -> dict[str, str]:
    """Each file of the page by its path."""
    blocks = re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```', DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return dict(blocks)


def install(
    site: Path, name: str, files: dict[str, str], points: dict[str, dict[str, str]], version: str = "1.0"
) -> None:
    """As pip leaves it: the package, and what it says of itself."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    about = site / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    groups = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in own.items()) for group, own in points.items())
    (about / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def command(site: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "pgcontract", *words],
        cwd=site,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's package is installed, beside a project of its own tool."""
    folder = tmp_path_factory.mktemp("site")
    files = documented()
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    install(folder, project["name"], files, project["entry-points"], project["version"])
    for path, text in {
        "shop/migrations/ledger.lock": "articles.sql\n",
        "shop/migrations/articles.sql": SQL,
        "shop/contracts/articles/contract.toml": CONTRACT,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_the_page_s_check_of_the_head_is_asked_once_behind_two_contracts(site: Path) -> None:
    files = {
        "two/migrations/ledger.lock": "articles.sql\nnotes.sql\n",
        "two/migrations/articles.sql": SQL,
        "two/migrations/notes.sql": "CREATE TABLE public.note (id bigint PRIMARY KEY);",
        "two/contracts/articles/contract.toml": CONTRACT,
        "two/contracts/notes/contract.toml": 'migration = "notes.sql"\npromises = "declared"\n',
    }
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    ran = command(site, "verify", "two", "--only", "money.*", "--format", "json")
    findings = [one for one in json.loads(ran.stdout)["findings"] if one["check"] == "money.exact"]

    assert ["notes"] == [finding["migration"] for finding in findings]


def test_the_page_s_package_takes_part_in_a_run(site: Path) -> None:
    words = "--pg strict --only money.* --only format.* --format tally --report reports"
    ran = command(site, "verify", "shop", *words.split())
    reports = site / "reports/articles"
    run = json.loads((reports / "run.json").read_text("utf-8"))
    broken = [(finding["check"], finding["subject"]) for finding in run["findings"] if finding["status"] == "broken"]

    assert (1, "wrote reports/articles/tally.txt") == (ran.returncode, ran.stderr.splitlines()[-1])
    assert [("money.exact", "public.article.price")] == broken
    assert ran.stdout == (reports / "tally.txt").read_text("utf-8") == "BROKEN 1\nKEPT 3\n"
    assert [
        {
            "name": "shop-pgcontract",
            "version": "1.0",
            "brought": ["check money.exact", "layout ledger", "standard sku", "provider strict"],
        }
    ] == run["plugins"]
    assert "shop-pgcontract 1.0" == next(check["plugin"] for check in run["checks"] if check["id"] == "money.exact")
    assert "Read as ledger (it has ledger.lock)" in run["assumptions"][0]
    assert run["assumptions"][-1].startswith("The plug-in shop-pgcontract 1.0 took part: ")


def test_where_a_check_comes_from_is_told(site: Path) -> None:
    listed, explained, doctor = (
        command(site, *words.split()).stdout for words in ("list", "explain money.exact", "doctor shop")
    )

    assert re.search(r"^money\.exact +error +Amounts of money are exact \(shop-pgcontract 1\.0\)$", listed, re.MULTILINE)
    assert "money.exact · error · from the plug-in shop-pgcontract 1.0\n\nAmounts" in explained
    assert re.search(
        r"^Plug-ins$.*^  rules +yes  shop, of shop-pgcontract 1\.0 \(shop_pgcontract\.rules\)$", doctor, re.M | re.S
    )


def test_plug_ins_are_left_out_on_demand(site: Path) -> None:
    assert "money.exact" not in command(site, "list", PGCONTRACT_PLUGINS="none").stdout


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is installed there is so in this process, as long as nothing of it can be taken."""
    monkeypatch.syspath_prepend(tmp_path)
    for registered in ("_checks", "_owners"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    caches = (plugins.plugins, registry._load_rules, formats._load, layouts, reporting.formats, reporting._plugged)
    for cache in caches:
        cache.cache_clear()
    yield
    for name in ("odd_plugin", "a_rules", "b_rules"):
        sys.modules.pop(name, None)
    for cache in caches:
        cache.cache_clear()


def rule(id: str = "odd.one", subjects: str = "lambda promise: ['script']", body: str = "return []") -> str:  # noqa: A002
    return RULE.format(id=id, subjects=subjects, body=body)


@pytest.mark.parametrize(("kind", "name", "text", "words"), [
    ("rules", "odd", "import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
    ("rules", "odd", "raise SystemExit(3)", "SystemExit: 3"),
    ("rules", "odd", rule("column.type"), "there is a check column.type already, of pgcontract itself"),
    ("rules", "odd", rule("waiver.live"), "there is a check waiver.live already, of pgcontract itself"),
    ("rules", "odd", rule("Odd One"), "check 'Odd One' is not called object.promise"),
    ("rules", "odd", "PGCONTRACT_API = 2", "written for version 2 of the API, and this pgcontract has 1: upgrade"),
    ("layouts", "odd", "NAME = 'odd'", "has no SENTENCE and no recognises and no read_folder"),
    ("layouts", "odd", "NAME = 'flat'\nSENTENCE = recognises = read_folder = 1", "there is a layout flat already"),
    ("reports", "json", "FORMAT = 'json'\nrender = 1", "the name json is taken already, by pgcontract itself"),
    ("reports", "odd", "FORMAT = 'even'\nrender = 1", "its FORMAT is 'even', and its entry point is called 'odd'"),
    ("providers", "docker", "USAGE = 'docker'\nparse_spec = 1", "there is a server docker already"),
    ("formats", "odd", "from pgcontract import value_format, Format\n@value_format('email', sources=())\n"
     "class E: pass", "there is a standard email already, of pgcontract itself"),
])  # fmt: skip
@pytest.mark.usefixtures("here")
def test_a_plug_in_that_cannot_be_taken_is_one_error(tmp_path: Path, kind: str, name: str, text: str, words: str) -> None:
    install(tmp_path, "odd-plugin", {"odd_plugin.py": text}, {f"pgcontract.{kind}": {name: "odd_plugin"}}, "0.2")
    asked = {
        "rules": ["list"],
        "layouts": ["verify", "--layout", "other", str(tmp_path)],
        "reports": ["report", "--format", "other", "run.json"],
        "providers": ["verify", "--pg", "other", str(tmp_path)],
        "formats": ["schema", "contract"],
    }
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    (tmp_path / "001_a.sql").write_text("SELECT 1;", encoding="utf-8")
    ran = command_here(tmp_path)(*asked[kind])

    assert 2 == ran.code
    assert ran.err.startswith("error: the plug-in odd-plugin 0.2 cannot be loaded (entry point ")
    assert (words in ran.err, "Traceback" in ran.err) == (True, False), ran.err


@pytest.mark.usefixtures("here")
def test_two_plug_ins_that_clash_are_both_named(tmp_path: Path) -> None:
    for name in ("a-rules", "b-rules"):
        module = name.replace("-", "_")
        install(tmp_path, name, {f"{module}.py": rule()}, {"pgcontract.rules": {"own": module}})

    told = command_here(tmp_path)("list").err
    assert told.startswith(
        "error: the plug-in b-rules 1.0 cannot be loaded (entry point own = b_rules in pgcontract.rules)"
    )
    assert "there is a check odd.one already, of the plug-in a-rules 1.0" in told


@pytest.mark.parametrize(("text", "code", "words"), [
    (rule(body="return 1 / 0"), 4, "a bug of odd-plugin 1.0: ZeroDivisionError"),
    (rule(body="return ['yes']"), 4, "a bug of odd-plugin 1.0: TypeError: odd.one gave 'yes' for an Answer"),
    (rule(subjects="lambda promise: promise.nothing"), 2, "the plug-in odd-plugin 1.0 cannot say what odd.one is asked"),
], ids=["raises", "answers", "subjects"])  # fmt: skip
@pytest.mark.usefixtures("here")
def test_a_fault_of_a_plug_in_is_not_told_as_ours(tmp_path: Path, text: str, code: int, words: str) -> None:
    install(tmp_path, "odd-plugin", {"odd_plugin.py": text}, {"pgcontract.rules": {"odd": "odd_plugin"}})
    (tmp_path / "001_a.sql").write_text("SELECT 1;", encoding="utf-8")
    ran = command_here(tmp_path)("verify", "001_a.sql", "--pg", "none", "--only", "odd.*")

    said = " ".join((ran.out + ran.err).split())

    assert (code, True, False) == (ran.code, words in said, "a bug of pgcontract" in said), said


@pytest.mark.usefixtures("here")
def test_a_fault_of_another_kind_of_plug_in_is_not_told_as_ours(tmp_path: Path) -> None:
    layout = "NAME = 'odd'\nSENTENCE = 'oddly'\nread_folder = None\ndef recognises(folder): return folder.nothing"
    install(tmp_path, "odd-plugin", {"odd_plugin.py": layout}, {"pgcontract.layouts": {"odd": "odd_plugin"}})
    (tmp_path / "001_a.sql").write_text("SELECT 1;", encoding="utf-8")
    ran = command_here(tmp_path)("verify", "001_a.sql", "--pg", "none")

    assert 4 == ran.code
    assert ran.err.startswith("error: a bug of odd-plugin 1.0, not of the migration: AttributeError: ")


@pytest.mark.parametrize("wanted", [1, 2])
def test_one_for_an_api_that_is_to_go_is_warned_of(monkeypatch: pytest.MonkeyPatch, wanted: int) -> None:
    monkeypatch.setattr(plugins, "API_VERSION", 2)
    monkeypatch.setitem(sys.modules, "odd_plugin", ModuleType("odd_plugin"))
    vars(sys.modules["odd_plugin"])["PGCONTRACT_API"] = wanted
    odd = Plugin(distribution="odd-plugin", version="1.0", kind="rules", name="odd", module="odd_plugin")
    with warnings.catch_warnings(record=True, action="always") as told:
        plugins.load(odd)

    assert ["odd-plugin 1.0 is written for version 1 of pgcontract's API, which will go"] * (2 - wanted) == [
        str(warning.message).removeprefix("the plug-in ").partition(":")[0] for warning in told
    ]


@pytest.mark.usefixtures("here")
def test_doctor_tells_of_one_that_cannot_be_loaded(tmp_path: Path) -> None:
    install(
        tmp_path, "odd-plugin", {"odd_plugin.py": "import no_such_thing"}, {"pgcontract.providers": {"odd": "odd_plugin"}}
    )
    ran = command_here(tmp_path)("doctor", str(tmp_path))

    assert re.search(
        r"^  providers +no   odd, of odd-plugin 1\.0.*named 'no_such_thing'", ran.out, re.MULTILINE | re.DOTALL
    )
    assert "Servers, by their name" in ran.out
