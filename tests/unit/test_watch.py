"""`verify --watch` in a terminal, and the rounds that it makes: what is asked again, and that nothing else is missed."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from command import command_in
from pgcontract import RunOptions, load_project
from pgcontract.postgres.kept_server import KeptServer
from pgcontract.postgres.providers import Probe, Production, Server
from pgcontract.result import Finding
from pgcontract.runner import Session, plan
from pgcontract.runner.rounds import Rounds
from pseudo_terminal import command_in_terminal
from shared_server import shared_server
from written_files import write_files

FILES: Final = {
    "sql/1_a.sql": "CREATE TABLE public.a (id bigint PRIMARY KEY);",
    "sql/2_b.sql": "ALTER TABLE public.a ADD COLUMN note text;",
}
FAILS: Final = "ALTER TABLE public.nowhere ADD COLUMN note text;"


def save(path: Path, text: str) -> None:
    """As editors do: another file, which takes the place of the first."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text, encoding="utf-8")
    other.replace(path)


def test_the_screen_is_true_of_the_files_until_ctrl_c(tmp_path: Path, room: Path) -> None:
    sql = write_files(tmp_path, FILES) / "sql"
    settings = {"PGCONTRACT_RUNTIME_DIR": str(room), "TMPDIR": str(room)}
    with command_in_terminal(tmp_path, "verify", "--watch", "--only", "script.*", settings=settings) as terminal:
        terminal.until("CAUTION", "2_b on PostgreSQL", "asked in", "Watching sql. Ctrl-C ends.")

        save(sql / "2_b.sql", FAILS)
        terminal.until("INCOMPLETE", "public.nowhere", "1 as before")
        seen = len(terminal.frames)

        save(sql / "pgcontract.toml", "seed = \n")
        terminal.until("pgcontract.toml:1: this is not TOML", "Cannot be asked. Watching sql.", after=seen)
        (sql / "pgcontract.toml").unlink()
        save(sql / "2_b.sql", FILES["sql/2_b.sql"])
        terminal.until("CAUTION", "Watching sql", after=seen)
        seen = len(terminal.frames)

        shutil.rmtree(sql)
        terminal.until("there is no such file or folder", "Watching sql.", after=seen)
        write_files(tmp_path, {**FILES, "sql/3_c.sql": "SELECT 1;"})
        terminal.until("CAUTION", "3_c on PostgreSQL", after=seen)
        terminal.resize(60, 12)
        page = terminal.until("3_c", "more lines")
        code = terminal.end()

    assert (130, True, []) == (code, terminal.written.rstrip().endswith("CAUTION  3_c"), left_in(room))
    assert (12, True) == (len(page.split("\n")), max(map(len, page.split("\n"))) < 60)
    assert not [line for line in outside_frames(terminal.written) if line]


def left_in(room: Path) -> list[str]:
    return sorted(str(path.relative_to(room)) for path in room.rglob("*") if path.name.startswith("pgcontract"))


def outside_frames(written: str) -> list[str]:
    """What was written beside pages, on the screen that they are on."""
    inside = written.partition("\x1b[?1049h\x1b[?25l")[2].partition("\x1b[?25h\x1b[?1049l")[0]
    return [part.partition("\x1b[?2026l")[2] for part in f"\x1b[?2026l{inside}".split("\x1b[?2026h")]


def test_a_terminated_watch_leaves_nothing(tmp_path: Path, room: Path) -> None:
    write_files(tmp_path, FILES)
    settings = {"PGCONTRACT_RUNTIME_DIR": str(room), "TMPDIR": str(room)}
    with command_in_terminal(tmp_path, "verify", "--watch", "--only", "script.applies", settings=settings) as terminal:
        terminal.until("Watching sql")
        code = terminal.end(signal.SIGTERM)

    assert (143, True, []) == (code, "\x1b[?1049l" in terminal.written, left_in(room))


def test_without_a_terminal_it_is_refused(tmp_path: Path) -> None:
    said = command_in(write_files(tmp_path, FILES))("verify", "sql", "--watch")

    assert (2, "", True) == (said.code, said.out, "standard output is no terminal" in said.err)


@pytest.mark.parametrize("more", [("--json", "x.json"), ("--report", "out"), ("--format", "json"), ("--write-baseline",)])
def test_what_writes_does_not_go_with_it(more: tuple[str, ...], tmp_path: Path) -> None:
    with command_in_terminal(write_files(tmp_path, FILES), "verify", "sql", "--watch", *more, settings={}) as terminal:
        code = terminal.process.wait(60)
        terminal.end(0)

    assert (2, True) == (code, "--watch shows a page" in terminal.written)


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    with Rounds() as kept:
        kept._server = shared_server("auto", Production())
        kept._kind = ("auto", None, Production(), None)
        yield kept
        kept._server = None  # it is the process's


CONTRACT = 'migration = "{}.sql"\npromises = "declared"\n'
CHAIN = {
    "migrations/1_a.sql": "CREATE TABLE public.a (id bigint PRIMARY KEY);",
    "migrations/2_b.sql": "ALTER TABLE public.a ADD COLUMN note text;",
    "migrations/3_c.sql": "CREATE TABLE public.c (id bigint PRIMARY KEY);",
    "contracts/1_a/contract.toml": CONTRACT.format("1_a") + '[table."public.a"]\ncolumns.id = { type = "bigint" }\n',
}


def test_a_round_says_what_a_whole_run_says(tmp_path: Path, rounds: Rounds) -> None:
    options = RunOptions(only=("script.applies", "table.*", "column.*", "rollback.*"))
    changes = {
        "the first round": (CHAIN, "all"),
        "nothing": ({}, "none"),
        "the head": ({"migrations/3_c.sql": "CREATE TABLE public.c (id integer);"}, "some"),
        "its contract": ({"contracts/1_a/contract.toml": CONTRACT.format("1_a")}, "all"),
        "what is configured": ({"pgcontract.toml": '[severity]\n"*" = "warning"'}, "all"),
    }
    expected, actual = {}, {}
    for name, (files, asked) in changes.items():
        again = rounds.verify(load_project(write_files(tmp_path, files)), options)
        expected[name] = asked, _fresh(tmp_path, options)
        part = "none" if not again.asked else "all" if again.asked == again.planned else "some"
        actual[name] = part, [_said(one) for one in again.run.findings]

    assert expected == actual


def test_row_that_a_later_contract_shows_is_taken_away_from_earlier_ones_too(tmp_path: Path, rounds: Rounds) -> None:
    secret = "md5(code) = '5ebe2294ecd0e0f08eab7690d2a6ee69'"
    table = f"code text CONSTRAINT known CHECK ({secret}), n int CONSTRAINT few CHECK (n > 0)"
    declared = 'columns = { code = { type = "text", null = false }, n = { type = "integer" } }\n'
    declared += f'checks.known.expression = "{secret}"\n'
    declared += 'checks.few = { expression = "n > 0", accept = [1], reject = [0] }\n'
    sample = '[table."public.a"]\nsample = { code = "secret" }\n'
    files = {
        "migrations/1_a.sql": f"CREATE TABLE public.a ({table.replace('text', 'text NOT NULL')});",
        "migrations/2_b.sql": "CREATE TABLE public.b (id bigint PRIMARY KEY);",
        "contracts/1_a/contract.toml": f'{CONTRACT.format("1_a")}[table."public.a"]\n{declared}',
        "contracts/2_b/contract.toml": CONTRACT.format("2_b") + sample,
    }
    options = RunOptions(only=("constraint.examples",))
    statuses = []
    for later in (files, {"contracts/2_b/contract.toml": CONTRACT.format("2_b")}):
        run = rounds.verify(load_project(write_files(tmp_path, {**files, **later})), options).run
        statuses += [finding.status.value for finding in run.findings]

    assert ["kept", "unknown"] == statuses


def _fresh(root: Path, options: RunOptions) -> list[Any]:
    planned = plan(load_project(root), options)
    with Session(planned, provider=shared_server("auto", Production())) as session:
        return [_said(one) for item in planned.items for one in session.ask(item)]


def _said(finding: Finding) -> tuple[Any, ...]:
    return (
        finding.migration,
        finding.item,
        finding.status,
        finding.severity,
        finding.summary,
        finding.at,
        finding.origin,
    )


class Owners:
    """A source of servers that are somebody's."""

    name, starts = "dsn", 0

    def probe(self) -> Probe:
        raise NotImplementedError

    @contextmanager
    def start(self, *, settings: Any = None, locale: str | None = None) -> Iterator[Server]:
        self.starts += 1
        yield Server(
            provider="dsn", version_num=180000, version="18", host="", port=0, superuser="", started_from="owner",
            storage="unknown",
        )  # fmt: skip


def test_a_server_of_an_owners_is_left_as_it_is() -> None:
    owners = Owners()
    kept = KeptServer(owners)
    for _ in range(2):
        with kept.start():
            pass

    assert owners.starts == 2


def test_the_server_is_kept_between_rounds(tmp_path: Path) -> None:
    options = RunOptions(only=("script.applies",))
    with Rounds() as rounds:
        rounds.verify(load_project(write_files(tmp_path, CHAIN)), options)
        first = rounds._server and rounds._server._server
        rounds.verify(load_project(write_files(tmp_path, {"migrations/1_a.sql": "SELECT 1;"})), options)

        assert first is not None
        assert first is (rounds._server and rounds._server._server)
        assert Path(first.host).exists()
    assert not os.path.exists(first.host)  # noqa: PTH110 - as it was before
