"""What roles can do is told, its good twin is not: role_pairs.toml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from obtaining import USUAL_SERVER
from pairs import findings_of, read_pairs
from pgcontract.contract import load_project
from pgcontract.probes.roles import access, definers
from pgcontract.result import Finding, RunOptions, Status
from pgcontract.runner import verify
from written_files import write_files

PAIRS, QUIET = read_pairs("unit/role_pairs.toml")
CONFIGURED = '[production]\nplatform = "supabase"\n'
SHOWN = '[api]\nschemas = ["public", "shown"]\n'
CHECKS = (  # those of roles
    "table.row_security", "policy.*", "table.separates_users", "view.caller_rights", "view.caller_writes",
    "function.caller_rights", "function.caller_writes", "function.definer_closed", "function.search_path",
    "bucket.separates_users", "constraint.auth_key", "column.guarded", "column.personal",
)  # fmt: skip


def judged(folder: Path, texts: Sequence[str]) -> tuple[Finding, ...]:
    script = "\n".join(texts)
    files = {"pgcontract.toml": CONFIGURED, "supabase/config.toml": SHOWN, "migrations/001_all.sql": f"{script}\n"}
    return findings_of(folder, files, CHECKS)


def told(findings: Sequence[Finding], prefix: str) -> list[str]:
    """What is wrong about what begins with the prefix."""
    return [finding.item for finding in findings if finding.status is Status.BROKEN and f"{prefix}_" in finding.subject]


def of_pair(number: int, text: str) -> str:
    return text.replace("P_", f"p{number:02}_")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    texts = [of_pair(number, pair.get("before", "") + pair["bad"]) for number, pair in enumerate(PAIRS)]
    return judged(tmp_path_factory.mktemp("bad"), texts)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    texts = [of_pair(number, pair.get("before", "") + pair["good"]) for number, pair in enumerate(PAIRS)]
    texts += [of_pair(len(PAIRS) + number, one["good"]) for number, one in enumerate(QUIET)]
    return judged(tmp_path_factory.mktemp("good"), texts)


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[pair["name"] for pair in PAIRS])
def test_bad_one_is_told_and_its_good_twin_is_not(
    bad: tuple[Finding, ...], good: tuple[Finding, ...], number: int
) -> None:
    prefix, items = f"p{number:02}", PAIRS[number]["told"]
    missing = {of_pair(number, item) for item in ([items] if isinstance(items, str) else items)} - {*told(bad, prefix)}

    assert (set(), []) == (missing, told(good, prefix))


@pytest.mark.parametrize("number", range(len(QUIET)), ids=[one["name"] for one in QUIET])
def test_nothing_is_told_of_what_is_meant(good: tuple[Finding, ...], number: int) -> None:
    assert [] == told(good, f"p{len(PAIRS) + number:02}")


def test_what_is_too_much_to_be_tried_is_not_taken_for_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_TABLES", 2)
    monkeypatch.setattr(definers, "MAX_FUNCTIONS", 1)
    pair = (
        "CREATE TABLE public.t{0} (id int PRIMARY KEY); ALTER TABLE public.t{0} ENABLE ROW LEVEL SECURITY;\n"
        "CREATE FUNCTION public.f{0}() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';\n"
    )
    script = f"{pair.format(1)}{pair.format(2)}CREATE TABLE public.t3 (id int PRIMARY KEY);\n"
    project = load_project(write_files(tmp_path, {"pgcontract.toml": CONFIGURED, "migrations/001_all.sql": script}))
    run = verify(project, RunOptions(only=("table.row_security", "function.caller_rights"), pg=USUAL_SERVER))

    assert {
        ("table.row_security[public.t3]", Status.BROKEN),
        ("1 of 3 tables and views were not tried as anon and as users, as they are too many: public.t2, … No rule of "
         "roles was asked of them.", Status.UNKNOWN),
        ("1 SECURITY DEFINER functions were not called as anon and as users, as they are too many: public.f2(), …",
         Status.UNKNOWN),
    } == {
        (f.item if f.status is Status.BROKEN else f.summary, f.status)
        for f in run.findings if f.status is not Status.KEPT
    }  # fmt: skip


def test_what_is_a_users_own_is_seen_where_no_column_says_so(tmp_path: Path) -> None:
    messages = "AS SELECT chat_id, count(*) FROM public.messages GROUP BY 1;"
    script = f"""
CREATE TABLE public.chats (id serial PRIMARY KEY, user_id uuid NOT NULL REFERENCES auth.users);
CREATE TABLE public.messages (chat_id int NOT NULL REFERENCES public.chats, note text UNIQUE);
CREATE TABLE public.notes (id serial PRIMARY KEY, note text UNIQUE);
ALTER TABLE public.chats ENABLE ROW LEVEL SECURITY; ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.chats USING (user_id = (SELECT auth.uid()));
CREATE POLICY own ON public.messages USING (chat_id IN (SELECT id FROM public.chats));
CREATE VIEW public.mine WITH (security_invoker = true) {messages}
CREATE VIEW public.everyones {messages}
"""
    files = {"pgcontract.toml": CONFIGURED, "migrations/001_all.sql": script}
    run = verify(load_project(write_files(tmp_path, files)), RunOptions(only=("table.row_security",), pg=USUAL_SERVER))

    everything = ("SELECT", "INSERT", "UPDATE", "DELETE")
    assert {
        "public.chats": (everything, ()),
        "public.messages": (everything, ()),
        "public.notes": ((), everything),
        "public.mine": (("SELECT",), ()),
        "public.everyones": ((), ("SELECT",)),
    } == {
        row.name: (row.own, row.others[: row.others.index("TRUNCATE")]) for row in run.access if "before" in row.project
    }
