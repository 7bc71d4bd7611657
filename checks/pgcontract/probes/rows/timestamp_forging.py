"""Times that a client could send in place of the database's: near and far, and those that the rules' texts speak of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from pgcontract.probes.rows.attempts import Sent
from pgcontract.probes.rows.castable_values import castable_values
from pgcontract.probes.rows.rule_texts import RuleTexts
from pgcontract.probes.rows.timestamp_upkeep import PAST, TimestampProbe

MAX_FORGED: Final = 240  # of one column; a message says how many there were
FUTURE: Final = "2999-12-31 23:59:59+00"
_NEAR_AND_FAR: Final = ("1 second", "1 hour", "3 days", "40 days", "400 days", "4 years", "10 years", "100 years")
_EXTREMES: Final = (
    "epoch",
    "-infinity",
    "infinity",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59+00",
    "4713-01-01 00:00:00+00 BC",
    "294276-12-31 23:59:59+00",
)
_UNITS: Final = ("secs", "mins", "hours", "days", "months", "years")
_MAX_NUMBER: Final = 100_000
_NUMBERS: Final = 6  # of those in the texts, each as a count of every unit


def forged_times(probe: TimestampProbe, rules: RuleTexts) -> tuple[Sent, ...]:
    """Distinct times, the plainest first. Those of `rules` lie a second inside and outside of each interval around now
    and of each moment that they name."""
    forged = [_literal(probe, PAST), _literal(probe, FUTURE), no_time(probe), three_days_ago(probe), an_hour_ahead(probe)]
    for span in _NEAR_AND_FAR:
        forged += [_off(probe, "-", span), _off(probe, "+", span)]
    forged += [_literal(probe, text) for text in _EXTREMES if probe.unit is None]
    if probe.unit is not None:
        forged += [_sent(probe, text, sql.SQL(text)) for text in ("0", "-1")]
    forged += _near_rules(probe, rules)
    return tuple({one.name: one for one in forged}.values())


def no_time(probe: TimestampProbe) -> Sent:
    """NULL."""
    return _sent(probe, "NULL", sql.NULL)


def default_time(probe: TimestampProbe) -> Sent:
    """DEFAULT, as an UPDATE can send it."""
    return _sent(probe, "DEFAULT", sql.SQL("DEFAULT"))


def three_days_ago(probe: TimestampProbe) -> Sent:
    """What a clamp of far times lets stand."""
    return _off(probe, "-", "3 days")


def an_hour_ahead(probe: TimestampProbe) -> Sent:
    """What a limit of a day lets stand."""
    return _off(probe, "+", "1 hour")


def times_near_the_old(probe: TimestampProbe, rules: RuleTexts) -> Iterator[Sent]:
    """For an UPDATE: the row's time as it is, written out or by name, a little off, and by what rules name."""
    yield _sent(probe, "itself", probe.name)
    yield _sent(probe, "the time that it has", sql.Literal(probe.before))
    named = castable_values(probe.connection, "interval", rules.strings)
    spans = [("-", "1 second"), *(("+", span) for span in ("1 second", "1 hour", "1 microsecond"))]
    spans += [(sign, span) for span in named for sign in "+-"]
    for sign, span in dict.fromkeys(spans) if probe.unit is None else ():
        time = sql.SQL("{} {} {}::interval").format(probe.name, sql.SQL(sign), sql.Literal(span))
        yield _sent(probe, f"{probe.timestamp.bare_column} {sign} {span}", time)


def _sent(probe: TimestampProbe, name: str, value: sql.Composable) -> Sent:
    return Sent(name=name, values={probe.timestamp.bare_column: value})


def _off(probe: TimestampProbe, sign: str, span: str) -> Sent:
    """A moment so long before or after now. After the clock, which goes on while the transaction lasts."""
    clock = "now()" if sign == "-" else "clock_timestamp()"
    text = f"{clock} {sign} interval '{span}'"
    return _sent(probe, text, probe.time(sql.SQL(text)))


def _literal(probe: TimestampProbe, text: str) -> Sent:
    literal: sql.Composable = sql.Literal(text)
    if probe.unit is not None:
        literal = probe.time(sql.SQL("{}::timestamptz").format(literal))
    return _sent(probe, text, literal)


def _near_rules(probe: TimestampProbe, rules: RuleTexts) -> Iterator[Sent]:
    spans = [
        f"interval {sql.Literal(text).as_string()}"
        for text in castable_values(probe.connection, "interval", rules.strings)
    ]
    counts = [text for text in rules.numbers if text.isdecimal() and 1 < int(text) <= _MAX_NUMBER][:_NUMBERS]
    spans += [f"make_interval({unit} => {text})" for text in counts for unit in _UNITS]
    spans += [f"interval '{margin}'" for margin in ("1 day", "1 year") if "1" in rules.numbers]
    for span in spans:
        for sign, clock in (("-", "now()"), ("+", "clock_timestamp()")):
            for margin in ("- interval '2 seconds'", "+ interval '2 seconds'"):
                text = f"{clock} {sign} {span} {margin}"
                yield _sent(probe, text, probe.time(sql.SQL(text)))
    for moment in castable_values(probe.connection, "timestamptz", rules.strings):
        for margin in ("- interval '1 second'", "+ interval '1 second'"):
            text = f"timestamptz {sql.Literal(moment).as_string()} {margin}"
            yield _sent(probe, text, probe.time(sql.SQL(text)))
