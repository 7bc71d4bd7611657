"""A machine, a clock or a tie that cannot be meant is refused at load, with file, line and the nearest word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pgcontract.contract import Clock, Machine, Tie, load_project
from pgcontract.errors import ContractError

Load = Callable[[str], str]

SHAPE = (
    'migration = "001_t.sql"\n[table."public.t"]\n'
    'columns.id = { type = "integer" }\ncolumns.status = { type = "text" }\n'
    'columns.\'"Paid at"\' = { type = "timestamptz" }\ncolumns.made_at = { type = "timestamptz" }\n'
)
MACHINE = '[machine.status]\ncolumn = "public.t.status"\n'
CLOCK = '[clock.made]\ncolumn = "public.t.made_at"\n'
TIE = "[tie.paid]\ncolumn = 'public.t.\"Paid at\"'\n"


def _project(folder: Path, behaviour: str) -> Path:
    (folder / "contracts" / "001_t").mkdir(parents=True)
    (folder / "migrations").mkdir()
    (folder / "migrations" / "001_t.sql").touch()
    (folder / "contracts" / "001_t" / "contract.toml").write_text(SHAPE + behaviour, encoding="utf-8")
    return folder


@pytest.fixture
def told(tmp_path: Path) -> Load:
    """What is said of a contract that declares this; its own lines begin with the seventh."""

    def load(behaviour: str) -> str:
        with pytest.raises(ContractError) as caught:
            load_project(_project(tmp_path, behaviour))
        return str(caught.value).replace(f"{tmp_path}/contracts/001_t/contract.toml", "line")

    return load


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(
            '[machine.status]\ncolumn = "public.t.state"\nstart = ["open"]\n',
            "line:8: machine.status.column: no column public.t.state is declared; did you mean `public.t.status`?",
            id="column",
        ),
        pytest.param(
            MACHINE + 'states = ["open", "send"]\nstart = ["open"]\nmoves = { open = ["sent"] }\n',
            "line:11: machine.status.moves.open[1]: 'sent' is none of the machine's `states`; did you mean `send`?",
            id="move to no state",
        ),
        pytest.param(
            MACHINE + 'states = ["open", "paid"]\nstart = ["opened"]\nmoves = { open = ["paid"] }\n',
            "line:10: machine.status.start[1]: 'opened' is none of the machine's `states`; did you mean `open`?",
            id="start in no state",
        ),
        pytest.param(
            MACHINE + 'states = ["open", "paid"]\nstart = ["open"]\nmoves = { open = ["paid"] }\nfinal = ["payed"]\n',
            "line:12: machine.status.final[1]: 'payed' is none of the machine's `states`; did you mean `paid`?",
            id="final in no state",
        ),
        pytest.param(
            MACHINE + 'states = ["open", "open"]\nstart = ["open"]\n',
            "line:9: machine.status.states[2]: 'open' is there twice",
            id="state twice",
        ),
        pytest.param(
            MACHINE + 'start = ["open"]\nmoves = { open = ["paid"], lost = ["open"] }\n',
            "line:7: machine.status: no move leads from a start to 'lost'; add one, or take the state out",
            id="unreachable state",
        ),
        pytest.param(
            MACHINE + 'states = [\n  "open",\n  "lost",\n]\nstart = ["open"]\n',
            "line:11: machine.status.states[2]: no move leads from a start to 'lost'; add one, or take the state out",
            id="unreachable state that is listed",
        ),
        pytest.param(
            MACHINE + 'start = ["open"]\nfinal = ["paid"]\n[machine.status.moves]\nopen = ["paid"]\npaid = ["open"]\n',
            "line:13: machine.status.moves.paid: 'paid' is final, so no move leaves it; take it out of `final` or of "
            "`moves`",
            id="final state with moves",
        ),
        pytest.param(
            MACHINE + 'start = ["open"]\nmoves = { open = ["open"] }\n',
            "line:10: machine.status.moves.open[1]: from 'open' to itself is no move, and always allowed",
            id="move to itself",
        ),
        pytest.param(
            MACHINE + 'start = ["open"]\nmoves = { open = ["paid"] }\nundecided = { open = ["paid"] }\n',
            "line:11: machine.status.undecided.open[1]: from 'open' to 'paid' is among `moves` too; keep one of the two",
            id="move that is decided and undecided",
        ),
        pytest.param(
            MACHINE + 'start = ["open"]\nwith = { open = { paid_at = "NULL" } }\n',
            "line:10: machine.status.with.open.paid_at: no column public.t.paid_at is declared; did you mean "
            "`public.t.made_at`?",
            id="companion column",
        ),
        pytest.param(
            MACHINE + "start = []\n",
            "line:9: machine.status.start is empty; The states that a new row may have.",
            id="no start",
        ),
        pytest.param(
            CLOCK + 'set_on = ["insert"]\nincreasing = true\n',
            'line:10: clock.made.increasing: a time grows only where it is set; add "update" to `set_on`',
            id="clock that grows unset",
        ),
        pytest.param(
            CLOCK + 'set_on = ["updated"]\n',
            "line:9: clock.made.set_on[1]: the text 'updated' is not known; did you mean `update`?",
            id="clock set on no event",
        ),
        pytest.param(
            '[clock.made]\ncolumn = "public.t.mode_at"\nset_on = ["insert"]\n',
            "line:8: clock.made.column: no column public.t.mode_at is declared; did you mean `public.t.made_at`?",
            id="clock of no column",
        ),
        pytest.param(
            TIE + 'present_when = "true"\nnot_before = "made_on"\n',
            "line:10: tie.paid.not_before: no column public.t.made_on is declared; did you mean `public.t.made_at`?",
            id="tie not before no column",
        ),
        pytest.param(
            TIE + "present_when = 'true'\nnot_before = '\"Paid at\"'\n",
            'line:10: tie.paid.not_before: "Paid at" is the tied column itself; name another of the table',
            id="tie not before itself",
        ),
        pytest.param(
            TIE,
            "line:7: `present_when` is missing in tie.paid: When it has a value: SQL over the row's other columns, as in "
            "status = 'paid'.",
            id="tie without a condition",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(told: Load, behaviour: str, expected: str) -> None:
    assert expected == told(behaviour)


def test_what_is_left_out_of_a_machine_follows_from_its_moves(tmp_path: Path) -> None:
    declared = MACHINE + 'start = ["open"]\nmoves = { open = ["paid"] }\nundecided = { paid = ["back"] }\n'
    expected = Machine(
        name="status",
        column="public.t.status",
        states=("open", "paid", "back"),
        start=("open",),
        moves={"open": ("paid",)},
        undecided={"paid": ("back",)},
        final=("back",),
    )

    contract = load_project(_project(tmp_path, declared)).head.contract

    assert contract is not None
    assert (expected,) == contract.machines


def test_a_clock_and_a_tie_are_read_as_they_are_written(tmp_path: Path) -> None:
    clock = CLOCK + 'set_on = ["insert", "update"]\nincreasing = true\n'
    tie = TIE + 'present_when = "true"\nnot_before = "made_at"\n'
    expected = (
        (Clock(name="made", column="public.t.made_at", set_on=("insert", "update"), increasing=True),),
        (Tie(name="paid", column='public.t."Paid at"', present_when="true", not_before="made_at"),),
    )

    contract = load_project(_project(tmp_path, clock + tie)).head.contract

    assert contract is not None
    assert expected == (contract.clocks, contract.ties)
