"""Values put to a column by real INSERTs: who refuses them, what comes back, and the smallest that tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from case_projects import case
from case_tables import cases
from catalog_servers import EACH_MAJOR
from pgcontract import RunOptions, load_project, verify
from pgcontract.errors import CouldNotAsk
from pgcontract.formats import standard
from pgcontract.formats.not_blank import NotBlank
from pgcontract.probes.context import Context
from pgcontract.probes.fuzzing import InsertResult, batch_insert, find_target_column, sendable
from pgcontract.probes.fuzzing.character_sweep import characters_not_meant, refused_characters
from pgcontract.probes.fuzzing.expression_difference import compare_expressions
from pgcontract.probes.fuzzing.hypothesis_draws import draw_values
from pgcontract.probes.fuzzing.shrinking import Fault, shrink
from pgcontract.probes.fuzzing.value_display import code_points, escaped, insert_line, text_literal
from pgcontract.result import Finding
from pgcontract.runner import Session, plan
from written_files import write_files

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


@pytest.fixture(scope="module", params=EACH_MAJOR)
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A migration with odd names on a server of each major that is there."""
    files = {"migrations/001_odd.sql": SQL, "contracts/001_odd/contract.toml": TABLE}
    root = write_files(tmp_path_factory.mktemp("odd"), files)
    with Session(plan(load_project(root), RunOptions(pg=request.param))) as session:
        yield session.context("001_odd")


def judged(context: Context, column: str, values: Sequence[str]) -> list[tuple[bool, str | None]]:
    """Of each value whether it is accepted, and what comes back or who refused."""
    with batch_insert(context, find_target_column(context, f'public."Odd".{column}')) as insert_batch:
        return [
            (judgement.accepted, judgement.stored if judgement.accepted else judgement.refused_by)
            for judgement in insert_batch(values)
        ]


LONGEST = "a@" + "b" * 10
JUDGED: dict[str, tuple[str, list[str], list[tuple[bool, str]]]] = {
    "a refusal names the SQLSTATE and the constraint": ('"Mail"', ["a@b", "ab", f"{LONGEST}b"],
        [(True, "a@b"), (False, "23514 mail_at"), (False, "22001")]),
    "a row is undone before the next, so that no key is in the way": ('"Mail"', ["a@b"] * 3, [(True, "a@b")] * 3),
    "what a column cuts in silence comes back cut": ('"Mail"', [f"{LONGEST}  "], [(True, LONGEST)]),
    "a domain refuses as an INSERT would, and does not cut": ("word", ["small", "Big", "larger"],
        [(True, "small"), (False, "23514 word_small"), (False, "22001")]),
    "a value that the type cannot read is refused": ("form", ['{"a":-0}', "{"], [(True, '{"a": 0}'), (False, "22P02")]),
    "a deferred key speaks at once": ("late", ["1", "2"], [(True, "1"), (False, "23503 Odd_late_fkey")]),
    "quotes and percent signs reach the server": ("mood", ["%s'\"\\$$", "it's mail"],
        [(True, "%s'\"\\$$"), (False, "23514 Odd_mood_check")]),
}  # fmt: skip


@pytest.mark.parametrize(("column", "values", "expected"), JUDGED.values(), ids=JUDGED)
def test_a_value_is_judged_by_an_insert(
    column: str, values: list[str], expected: list[tuple[bool, str]], context: Context
) -> None:
    assert expected == judged(context, column, values)


def test_nothing_is_left_of_what_was_judged(context: Context) -> None:
    judged(context, '"Mail"', ["a@b"])

    with context.sandbox.rolled_back(context.after_state) as connection:
        assert (0,) == connection.execute('SELECT count(*) FROM public."Odd"').fetchone()


def test_a_column_that_is_not_there_cannot_be_asked(context: Context) -> None:
    with pytest.raises(CouldNotAsk, match=r'the column public\."Odd"\.gone does not exist'):
        find_target_column(context, 'public."Odd".gone')


def test_every_character_that_a_check_refuses_is_found_in_one_select(context: Context) -> None:
    expected = ((1, 63), (65, 0xD7FF), (0xE000, 0x10FFFF))

    assert expected == refused_characters(context, find_target_column(context, 'public."Odd"."Mail"'))


def test_a_domains_check_is_swept_as_well(context: Context) -> None:
    refused = refused_characters(context, find_target_column(context, 'public."Odd".word'))

    assert refused is not None
    assert (65, 90) == refused[0]


@pytest.mark.parametrize(("other", "rows", "expected"), [
    ("(id > 1)", [], ({"id": "1"}, ("true", "false"))),
    ("((1 / id) >= 0)", [{"id": "0"}], ({"id": "0"}, ("false", "error 22012"))),
], ids=["by what each answers", "by an error on one side"])  # fmt: skip
def test_two_spellings_are_separated_by_a_row(
    other: str, rows: list[dict[str, str]], expected: tuple[dict[str, str], tuple[str, str]], context: Context
) -> None:
    contrasted = compare_expressions(context, 'public."Odd"', ("(id > 0)", other), rows)

    assert expected == (contrasted.row, contrasted.answers)


def test_two_spellings_of_the_same_are_not_separated_by_any(context: Context) -> None:
    contrasted = compare_expressions(context, 'public."Odd"', ("(id > 0)", "(id >= 1)"), ())

    assert (None, True) == (contrasted.row, contrasted.tried > 20)


def accepted(judgement: InsertResult) -> bool:
    return judgement.accepted


SHRUNK: dict[str, tuple[str, Fault, str, str]] = {
    "while oracle and server both agree": ("Bob.Smith.Jones@example.org",
        Fault(meant=lambda value: value.count(".") > 1, shown=accepted), "@", ".@."),
    "to its limit": ("x" * 300, Fault(meant=lambda value: len(value) > 100, shown=accepted), "", "a" * 101),
    "until a twin is refused": ("bob!@example.org", Fault(meant=lambda value: "!" in value, shown=lambda judgement: True,
        counterpart=lambda value: value.replace("!", "")), "@", "!@"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "fault", "held", "expected"), SHRUNK.values(), ids=SHRUNK)
def test_a_counterexample_shrinks(value: str, fault: Fault, held: str, expected: str) -> None:
    """By a judge that accepts what holds `held`."""

    def insert_batch(values: Sequence[str]) -> tuple[InsertResult, ...]:
        return tuple(InsertResult(value=text, accepted=held in text) for text in values)

    assert expected == shrink(insert_batch, [(value, fault)])[0]


def test_drawn_values_are_those_of_their_seed() -> None:
    mail = standard("email")
    first, again, other = (draw_values(mail, seed=seed, budget=60) for seed in ("1/mail", "1/mail", "2/mail"))

    assert (True, False) == (first == again, first == other)


def test_no_value_is_drawn_twice() -> None:
    drawn = [value for values in draw_values(standard("not_blank"), seed="0", budget=200).values() for value in values]

    assert len(drawn) == len(set(drawn))


def test_a_larger_budget_draws_more() -> None:
    column_format = standard("json_object")
    few, many = (sum(map(len, draw_values(column_format, seed="0", budget=budget).values())) for budget in (50, 200))

    assert 2 * few < many


def test_what_no_server_takes_is_not_sendable() -> None:
    assert [True, False, False] == [sendable(text) for text in ("a\u200b🙂", "a\0", "\ud800")]


def test_the_oracles_characters_leave_out_what_no_text_holds() -> None:
    class SmallLetters(NotBlank):
        def why_not(self, value: str) -> str | None:
            return None if "a" <= value <= "z" else "no small letter"

    refused = characters_not_meant(SmallLetters())

    assert ((1, 96), (123, 0xD7FF), (0xE000, 0x10FFFF)) == refused


@cases(("value", "expected"), {
    "plain": ("a@b", "'a@b'"),
    "quote and backslash": ("a'b\\", "'a''b\\'"),
    "controls": ("\t'\\\n", r"E'\t''\\\n'"),
    "beyond ASCII": ("é\u200b🙂", r"E'\u00E9\u200B\U0001F642'"),
    "long": ("a" * 64 + "@b", "repeat('a', 64) || '@b'"),
    "empty": ("", "''"),
})  # fmt: skip
def test_a_literal_is_pasteable(context: Context, value: str, expected: str) -> None:
    literal = text_literal(value)

    with context.sandbox.rolled_back(context.after_state) as connection:
        assert (expected, (value,)) == (literal, connection.execute(f"SELECT {literal}".encode()).fetchone())


def test_the_line_that_reproduces_it_is_one_statement_that_runs(context: Context) -> None:
    target = find_target_column(context, 'public."Odd".form')
    line = insert_line(target, '{"a":\n"' + "x" * 99 + '"}')
    expected = (
        'INSERT INTO public."Odd" (id, "Mail", mood, form) '
        "VALUES (1, 'a@b', 'well', (E'{\"a\":\\n\"' || repeat('x', 99) || '\"}')::jsonb);"
    )

    with context.sandbox.rolled_back(context.after_state) as connection:
        assert (expected, 1) == (line, connection.execute(line.encode()).rowcount)


def test_a_value_is_told_escaped_and_by_code_point() -> None:
    assert (r"'a\u200b\n'", "U+0061 U+200B U+000A") == (escaped("a\u200b\n"), code_points("a\u200b\n"))


def test_of_a_long_value_only_the_odd_code_points_are_told() -> None:
    assert "U+200B" == code_points("a" * 50 + "\u200b")


def _told(root: Path, seed: int | None = None) -> tuple[Finding, ...]:
    run = verify(load_project(root), RunOptions(only=("format.*",), seed=seed))
    return tuple(finding for finding in run.findings if finding.check.startswith("format"))


def test_two_runs_with_the_same_seed_say_the_same() -> None:
    with case("format.accepts_valid/broken").project() as root:
        assert _told(root) == _told(root)


def test_another_seed_finds_the_same_counterexamples() -> None:
    with case("format.rejects_invalid/broken_double_dots").project() as root:
        first, second = (
            [finding.evidence[0].rows for finding in _told(root, seed) if finding.check == "format.rejects_invalid"]
            for seed in (1, 2)
        )

    assert first == second
