"""A state machine, timestamp or presence that cannot be meant is refused at load, with file, line and nearest word."""

from __future__ import annotations

from pathlib import Path

from case_tables import cases
from pgcontract.contract import Presence, StateMachine, Timestamp, load_project
from refusals import contract_error
from written_files import write_files

SHAPE = (
    'migration = "001_t.sql"\n[table."public.t"]\n'
    'columns.id = { type = "integer" }\ncolumns.status = { type = "text" }\n'
    'columns.\'"Paid at"\' = { type = "timestamptz" }\ncolumns.made_at = { type = "timestamptz" }\n'
)
STATE_MACHINE = '[state_machine.status]\ncolumn = "public.t.status"\n'
TIMESTAMP = '[timestamp.made]\ncolumn = "public.t.made_at"\n'
PRESENCE = "[presence.paid]\ncolumn = 'public.t.\"Paid at\"'\n"


def _project(folder: Path, behaviour: str) -> Path:
    return write_files(folder, {"migrations/001_t.sql": "", "contracts/001_t/contract.toml": SHAPE + behaviour})


@cases(("behaviour", "expected"), {
    "column": ('[state_machine.status]\ncolumn = "public.t.state"\ninitial = ["open"]\n',
        "8: state_machine.status.column: no column public.t.state is declared; did you mean `public.t.status`?"),
    "move to no state": (
        STATE_MACHINE + 'states = ["open", "send"]\ninitial = ["open"]\ntransitions = { open = ["sent"] }\n',
        "11: state_machine.status.transitions.open[1]: 'sent' is none of the state machine's `states`; did you "
        "mean `send`?"),
    "start in no state": (
        STATE_MACHINE + 'states = ["open", "paid"]\ninitial = ["opened"]\ntransitions = { open = ["paid"] }\n',
        "10: state_machine.status.initial[1]: 'opened' is none of the state machine's `states`; did you mean `open`?"),
    "final in no state": (
        STATE_MACHINE + 'states = ["open", "paid"]\ninitial = ["open"]\ntransitions = { open = ["paid"] }\nfinal = '
        '["payed"]\n',
        "12: state_machine.status.final[1]: 'payed' is none of the state machine's `states`; did you mean " "`paid`?"),
    "state twice": (STATE_MACHINE + 'states = ["open", "open"]\ninitial = ["open"]\n',
        "9: state_machine.status.states[2]: 'open' is there twice"),
    "unreachable state": (STATE_MACHINE + 'initial = ["open"]\ntransitions = { open = ["paid"], lost = ["open"] }\n',
        "7: state_machine.status: no move leads from a start to 'lost'; add one, or take the state out"),
    "unreachable state that is listed": (STATE_MACHINE + 'states = [\n  "open",\n  "lost",\n]\ninitial = ["open"]\n',
        "11: state_machine.status.states[2]: no move leads from a start to 'lost'; add one, or take the state out"),
    "final state with moves": (
        STATE_MACHINE + 'initial = ["open"]\nfinal = ["paid"]\n[state_machine.status.transitions]\nopen = '
        '["paid"]\npaid = ["open"]\n',
        "13: state_machine.status.transitions.paid: 'paid' is final, so no move leaves it; take it out of "
        "`final` or of `transitions`"),
    "move to itself": (STATE_MACHINE + 'initial = ["open"]\ntransitions = { open = ["open"] }\n',
        "10: state_machine.status.transitions.open[1]: from 'open' to itself is no move, and always allowed"),
    "transition that is specified and unspecified": (
        STATE_MACHINE + 'initial = ["open"]\ntransitions = { open = ["paid"] }\nunspecified = { open = ["paid"] }\n',
        "11: state_machine.status.unspecified.open[1]: from 'open' to 'paid' is among `transitions` too; keep "
        "one of the two"),
    "companion column": (STATE_MACHINE + 'initial = ["open"]\nset = { open = { paid_at = "NULL" } }\n',
        "10: state_machine.status.set.open.paid_at: no column public.t.paid_at is declared; did you mean "
        "`public.t.made_at`?"),
    "no start": (STATE_MACHINE + "initial = []\n",
        "9: state_machine.status.initial is empty; The states that a new row may have."),
    "timestamp that grows unset": (TIMESTAMP + 'set_on = ["insert"]\nincreasing = true\n',
        '10: timestamp.made.increasing: a time grows only where it is set; add "update" to `set_on`'),
    "timestamp set on no event": (TIMESTAMP + 'set_on = ["updated"]\n',
        "9: timestamp.made.set_on[1]: the text 'updated' is not known; did you mean `update`?"),
    "timestamp of no column": ('[timestamp.made]\ncolumn = "public.t.mode_at"\nset_on = ["insert"]\n',
        "8: timestamp.made.column: no column public.t.mode_at is declared; did you mean `public.t.made_at`?"),
    "presence not before no column": (PRESENCE + 'present_when = "true"\nnot_before = "made_on"\n',
        "10: presence.paid.not_before: no column public.t.made_on is declared; did you mean `public.t.made_at`?"),
    "presence not before itself": (PRESENCE + "present_when = 'true'\nnot_before = '\"Paid at\"'\n",
        '10: presence.paid.not_before: "Paid at" is the column itself; name another of the table'),
    "presence without a condition": (PRESENCE,
        "7: `present_when` is missing in presence.paid: When it has a value: SQL over the row's other columns, "
        "as in status = 'paid'."),
})  # fmt: skip
def test_a_mistake_is_told_with_its_place(behaviour: str, expected: str, tmp_path: Path) -> None:
    """Its own lines begin with the seventh."""
    assert f"contract.toml:{expected}" == contract_error(tmp_path, SHAPE + behaviour)


def test_what_is_left_out_of_a_state_machine_follows_from_its_transitions(tmp_path: Path) -> None:
    declared = (
        STATE_MACHINE + 'initial = ["open"]\ntransitions = { open = ["paid"] }\nunspecified = { paid = ["back"] }\n'
    )
    expected = [(("open", "paid", "back"), ("back",))]

    contract = load_project(_project(tmp_path, declared)).head.contract

    assert contract is not None
    assert expected == [(state_machine.states, state_machine.final) for state_machine in contract.of(StateMachine)]


def test_a_timestamp_and_a_presence_are_read_as_they_are_written(tmp_path: Path) -> None:
    timestamp = TIMESTAMP + 'set_on = ["insert", "update"]\nincreasing = true\n'
    presence = PRESENCE + 'present_when = "true"\nnot_before = "made_at"\n'
    expected = (
        (Timestamp(name="made", column="public.t.made_at", set_on=("insert", "update"), increasing=True),),
        (Presence(name="paid", column='public.t."Paid at"', present_when="true", not_before="made_at"),),
    )

    contract = load_project(_project(tmp_path, timestamp + presence)).head.contract

    assert contract is not None
    assert expected == (contract.of(Timestamp), contract.of(Presence))
