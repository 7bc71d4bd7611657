"""Values put to a column by real INSERTs: who refuses them, what comes back, and the smallest that tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pgcontract.contract import load_project
from pgcontract.formats import intent
from pgcontract.probes.context import CouldNotAsk, Trial
from pgcontract.probes.fuzzing import Judgement, judging, place_of, sendable
from pgcontract.probes.fuzzing.character_sweep import characters_not_meant, refused_characters
from pgcontract.probes.fuzzing.expression_difference import contrast
from pgcontract.probes.fuzzing.hypothesis_draws import draw
from pgcontract.probes.fuzzing.shrinking import Fault, shrink
from pgcontract.probes.fuzzing.value_display import code_points, escaped, insert_line, text_literal
from pgcontract.result.finding import Finding
from pgcontract.runner import Session, plan, verify

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
SERVERS = ("wheel", *([f"binaries:{DEBIAN_15}"] if DEBIAN_15.is_dir() else []))

SQL = r"""
CREATE DOMAIN public.word AS varchar(5) CONSTRAINT word_small CHECK (VALUE = lower(VALUE));
CREATE TABLE public."Odd" (
    id integer PRIMARY KEY,
    "Mail" varchar(12) UNIQUE CONSTRAINT mail_at CHECK ("Mail" ~ '@'),
    word public.word,
    form jsonb,
    mood text NOT NULL CHECK (mood <> 'it''s mail'),
    late integer REFERENCES public."Odd" DEFERRABLE INITIALLY DEFERRED
);
CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN IF NEW.mood = 'gone' THEN RETURN NULL; END IF; NEW.word := upper(NEW.word); RETURN NEW; END$$;
"""
TABLE = """
migration = "001_odd.sql"
[table.'public."Odd"']
sample = { id = 1, Mail = "a@b", mood = "well" }
columns.id = { type = "integer", null = false }
columns.'"Mail"' = { type = "varchar(12)" }
columns.word = { type = "public.word" }
columns.form = { type = "jsonb" }
columns.mood = { type = "text", null = false }
columns.late = { type = "integer" }
"""


@pytest.fixture(scope="module", params=SERVERS)
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A migration with odd names on a server of each major that is there."""
    root = tmp_path_factory.mktemp("odd")
    (root / "migrations").mkdir()
    (root / "migrations" / "001_odd.sql").write_text(SQL)
    (root / "contracts" / "001_odd").mkdir(parents=True)
    (root / "contracts" / "001_odd" / "contract.toml").write_text(TABLE)
    with Session(plan(load_project(root)), pg=request.param) as session:
        yield session.trial("001_odd")


def judged(trial: Trial, column: str, values: Sequence[str]) -> list[tuple[bool, str | None]]:
    """Of each value whether it is accepted, and what comes back or who refused."""
    with judging(trial, place_of(trial, f'public."Odd".{column}')) as judge:
        return [(each.accepted, each.stored if each.accepted else each.refused_by) for each in judge(values)]


def test_a_refusal_names_the_sqlstate_and_the_constraint(trial: Trial) -> None:
    expected = [(True, "a@b"), (False, "23514 mail_at"), (False, "22001")]

    assert expected == judged(trial, '"Mail"', ["a@b", "ab", "a@" + "b" * 11])


def test_a_row_is_undone_before_the_next_so_that_no_key_is_in_the_way(trial: Trial) -> None:
    assert [(True, "a@b")] * 3 == judged(trial, '"Mail"', ["a@b"] * 3)


def test_nothing_is_left_of_what_was_judged(trial: Trial) -> None:
    judged(trial, '"Mail"', ["a@b"])

    with trial.workbench.rolled_back(trial.after_state) as connection:
        assert (0,) == connection.execute('SELECT count(*) FROM public."Odd"').fetchone()


def test_what_a_column_cuts_in_silence_comes_back_cut(trial: Trial) -> None:
    assert [(True, "a@" + "b" * 10)] == judged(trial, '"Mail"', ["a@" + "b" * 10 + "  "])


def test_a_domain_refuses_as_an_insert_would_and_does_not_cut(trial: Trial) -> None:
    expected = [(True, "small"), (False, "23514 word_small"), (False, "22001")]

    assert expected == judged(trial, "word", ["small", "Big", "larger"])


def test_a_value_that_the_type_cannot_read_is_refused(trial: Trial) -> None:
    assert [(True, '{"a": 0}'), (False, "22P02")] == judged(trial, "form", ['{"a":-0}', "{"])


def test_a_deferred_key_speaks_at_once(trial: Trial) -> None:
    assert [(True, "1"), (False, "23503 Odd_late_fkey")] == judged(trial, "late", ["1", "2"])


def test_quotes_and_percent_signs_reach_the_server_as_they_are(trial: Trial) -> None:
    assert [(True, "%s'\"\\$$"), (False, "23514 Odd_mood_check")] == judged(trial, "mood", ["%s'\"\\$$", "it's mail"])


def test_a_column_that_is_not_there_cannot_be_asked(trial: Trial) -> None:
    with pytest.raises(CouldNotAsk, match=r'the column public\."Odd"\.gone is not there'):
        place_of(trial, 'public."Odd".gone')


def test_every_character_that_a_check_refuses_is_found_in_one_select(trial: Trial) -> None:
    expected = ((1, 63), (65, 0xD7FF), (0xE000, 0x10FFFF))

    assert expected == refused_characters(trial, place_of(trial, 'public."Odd"."Mail"'))


def test_a_domains_check_is_swept_as_well(trial: Trial) -> None:
    refused = refused_characters(trial, place_of(trial, 'public."Odd".word'))

    assert refused is not None
    assert (65, 90) == refused[0]


def test_two_spellings_are_separated_by_a_row(trial: Trial) -> None:
    found = contrast(trial, 'public."Odd"', ("(id > 0)", "(id > 1)"), ())

    assert ({"id": "1"}, ("true", "false")) == (found.row, found.answers)


def test_two_spellings_of_the_same_are_not_separated_by_any(trial: Trial) -> None:
    found = contrast(trial, 'public."Odd"', ("(id > 0)", "(id >= 1)"), ())

    assert (None, True) == (found.row, found.tried > 20)


def test_an_error_on_one_side_separates_too(trial: Trial) -> None:
    found = contrast(trial, 'public."Odd"', ("(id > 0)", "((1 / id) >= 0)"), [{"id": "0"}])

    assert ({"id": "0"}, ("false", "error 22012")) == (found.row, found.answers)


def shrunk(value: str, fault: Fault, accepted: str) -> str:
    """By a judge that accepts what holds `accepted`."""

    def judge(values: Sequence[str]) -> tuple[Judgement, ...]:
        return tuple(Judgement(value=each, accepted=accepted in each) for each in values)

    return shrink(judge, [(value, fault)])[0]


def test_a_counterexample_shrinks_while_oracle_and_server_both_agree() -> None:
    fault = Fault(meant=lambda value: value.count(".") > 1, shown=lambda judgement: judgement.accepted)

    assert ".@." == shrunk("Bob.Smith.Jones@example.org", fault, "@")


def test_a_long_counterexample_shrinks_to_its_limit() -> None:
    fault = Fault(meant=lambda value: len(value) > 100, shown=lambda judgement: judgement.accepted)

    assert "a" * 101 == shrunk("x" * 300, fault, "")


def test_a_twin_that_is_refused_stops_the_shrinking() -> None:
    fault = Fault(meant=lambda value: "!" in value, shown=lambda each: True, twin=lambda value: value.replace("!", ""))

    assert "!@" == shrunk("bob!@example.org", fault, "@")


def test_drawn_values_are_the_same_for_the_same_seed() -> None:
    language = intent("email")

    assert draw(language, seed="1/mail", budget=60) == draw(language, seed="1/mail", budget=60)


def test_drawn_values_are_others_for_another_seed() -> None:
    language = intent("email")

    assert draw(language, seed="1/mail", budget=60) != draw(language, seed="2/mail", budget=60)


def test_no_value_is_drawn_twice() -> None:
    drawn = [value for values in draw(intent("not_blank"), seed="0", budget=200).values() for value in values]

    assert len(drawn) == len(set(drawn))


def test_a_larger_budget_draws_more() -> None:
    language = intent("json_object")
    few, many = (sum(map(len, draw(language, seed="0", budget=budget).values())) for budget in (50, 200))

    assert 2 * few < many


def test_what_no_server_takes_is_not_sendable() -> None:
    assert [True, False, False] == [sendable(each) for each in ("a\u200b🙂", "a\0", "\ud800")]


def test_the_oracles_characters_leave_out_what_no_text_holds() -> None:
    refused = characters_not_meant(intent("regex", pattern="^[a-z]"))

    assert ((1, 96), (123, 0xD7FF), (0xE000, 0x10FFFF)) == refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a@b", "'a@b'", id="plain"),
        pytest.param("a'b\\", "'a''b\\'", id="quote and backslash"),
        pytest.param("\t'\\\n", r"E'\t''\\\n'", id="controls"),
        pytest.param("é\u200b🙂", r"E'\u00E9\u200B\U0001F642'", id="beyond ASCII"),
        pytest.param("a" * 64 + "@b", "repeat('a', 64) || '@b'", id="long"),
        pytest.param("", "''", id="empty"),
    ],
)
def test_a_literal_is_pasteable(trial: Trial, value: str, expected: str) -> None:
    literal = text_literal(value)

    with trial.workbench.rolled_back(trial.after_state) as connection:
        assert (expected, (value,)) == (literal, connection.execute(f"SELECT {literal}".encode()).fetchone())


def test_the_line_that_reproduces_it_is_one_statement_that_runs(trial: Trial) -> None:
    place = place_of(trial, 'public."Odd".form')
    line = insert_line(place, '{"a":\n"' + "x" * 99 + '"}')
    expected = (
        'INSERT INTO public."Odd" (id, "Mail", mood, form) '
        "VALUES (1, 'a@b', 'well', (E'{\"a\":\\n\"' || repeat('x', 99) || '\"}')::jsonb);"
    )

    with trial.workbench.rolled_back(trial.after_state) as connection:
        assert (expected, 1) == (line, connection.execute(line.encode()).rowcount)


def test_a_value_is_told_escaped_and_by_code_point() -> None:
    assert (r"'a\u200b\n'", "U+0061 U+200B U+000A") == (escaped("a\u200b\n"), code_points("a\u200b\n"))


def test_of_a_long_value_only_the_odd_code_points_are_told() -> None:
    assert "U+200B" == code_points("a" * 50 + "\u200b")


def _told(root: Path, seed: int | None = None) -> tuple[Finding, ...]:
    run = verify(root, only=["language.*"], seed=seed)
    return tuple(each for each in run.findings if each.check.startswith("language"))


def test_two_runs_with_the_same_seed_say_the_same() -> None:
    case = Path(__file__).parents[1] / "cases" / "language.refused" / "broken"

    assert _told(case) == _told(case)


def test_another_seed_finds_the_same_counterexamples() -> None:
    case = Path(__file__).parents[1] / "cases" / "language.accepted" / "broken_double_dots"
    first, second = (
        [each.evidence[0].rows for each in _told(case, seed) if each.check == "language.accepted"] for seed in (1, 2)
    )

    assert first == second
