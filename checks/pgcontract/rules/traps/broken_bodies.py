"""Functions whose bodies fail whoever runs them: by a call, a trigger or a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from pgcontract.catalog.sql_names import identifier
from pgcontract.errors import CouldNotAsk
from pgcontract.model.schema import Origin
from pgcontract.probes.context import Context
from pgcontract.probes.executed.bodies import Executed, execute_bodies
from pgcontract.probes.executed.body_failures import Failure
from pgcontract.probes.executed.denied import Denial, denials, services_not_asked
from pgcontract.probes.executed.refused_constants import RefusedConstant, refused_constants
from pgcontract.probes.executed.repeated_writes import RepeatedWrite, key_columns, repeated_writes
from pgcontract.probes.executed.sign_ups import RefusedSignUp, refused_sign_ups
from pgcontract.probes.roles.users_state import grants_by_regime
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import not_asked_as
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, origin_in_chain

_FIRST = 5
_ELSE = ("line", "column", "value", "the server's words")
_EVERY: Final = {
    ("INSERT", "auth.users"): "every sign-up (INSERT INTO auth.users)",
    ("INSERT", "storage.objects"): "every upload (INSERT INTO storage.objects)",
}
_CHECKERS: Final = {
    "absent": "A server with plpgsql_check would read what is not called: --pg binaries (Debian: apt install "
    "postgresql-NN-plpgsql-check), or --pg docker:IMAGE.",
    "not made": "This server has plpgsql_check, which would read what is not called, but no superuser makes it where "
    "migrations ran: --pg binaries, or --pg docker:IMAGE.",
}
_WRITES: Final = {
    "INSERT": "every INSERT INTO {}", "UPDATE": "this UPDATE of {}", "DELETE": "every DELETE FROM {}",
    "TRUNCATE": "every TRUNCATE of {}",
}  # fmt: skip


@check("function.runs", subjects=catalog_of_head, severity=Severity.ERROR, head=True, implied=True)
def function_runs(context: Context) -> Iterator[Answer]:
    """No function's body names a column, table or function that is not there.

    Why it matters: the server looks into a body when it runs, and not when it is created. A trigger function that names a
    renamed column refuses every write of its table; a function with an ambiguous name fails at every call.
    How it is measured: at the head of the chain, over rows, every trigger is fired (INSERT, UPDATE of each column,
    DELETE), every function called with simple values, with those that its body compares and with nulls, every view read,
    each in a savepoint of a database that is dropped. Statements that nothing came to are then run each by itself: what
    fails there is a warning. On Supabase a trigger is fired, too, as who writes there: supabase_auth_admin in auth,
    service_role in storage, the roles of the REST API elsewhere; without Supabase, as each role that the chain grants
    the write. What it may not do refuses their writes. Only errors count that are in the body whatever it is called
    with, by the server's CONTEXT; SQL put together at run time does not. What asks another server, a file or a lock is
    not called, but read; where the server has plpgsql_check, by that too, and what it finds is a warning. The commands
    of pg_cron's jobs are run so as well. Two users sign up with nothing in raw_user_meta_data: what a trigger refuses
    of that (NULL, a value that is taken), and takes with what its body looks for, is a warning. Constants that a body,
    or a default, writes into a table are written into its rows before the pending migrations and after them: what is
    refused after them alone (CHECK, NOT NULL, a type) is told.
    What to do: correct the body in a migration of its own, or of the same deploy: CREATE OR REPLACE FUNCTION.
    """
    executed = execute_bodies(context)
    failing = {failure.function for failure in executed.failures}
    yield from (_answer(context, failure) for failure in executed.failures)
    constants = refused_constants(context)
    for _, alike in groupby(constants, key=_subject):
        yield _refused(context, *alike)
    told = {constant.function for constant in constants} | failing
    repeated = [one for one in repeated_writes(context) if one.routine.function.name not in told]
    for name in dict.fromkeys(one.routine.function.name for one in repeated):
        yield _repeated(context, next(one for one in repeated if one.routine.function.name == name))
    refused = [denial for denial in _denials(context) if denial.function not in failing]
    yield from (_denied(context, denial) for denial in refused)
    failing |= {denial.function for denial in refused} | {_subject(constant) for constant in constants}
    failing |= {one.routine.function.name for one in repeated}
    sign_ups = [sign_up for sign_up in _sign_ups(context) if sign_up.function not in failing]
    yield from (_refused_sign_up(context, sign_up) for sign_up in sign_ups)
    for (what, why), names in executed.lacking.items():
        yield Answer(
            Status.NOTED,
            what,
            f"Not asked: {', '.join(names[:_FIRST])}{', …' if len(names) > _FIRST else ''} "
            f"{'needs' if len(names) == 1 else 'need'} {what}, which this server has not; {why}.",
        )
    if context.promise.project.platform != "supabase":
        yield from not_asked_as(
            context, {trigger.table for trigger in context.migrated.triggers}, "a trigger", reads=False
        )
    rest = _rest(executed, services_not_asked(context) if context.promise.project.platform == "supabase" else "")
    if not (executed.failures or refused or constants or repeated or sign_ups):
        yield Answer(Status.KEPT, CATALOG, " ".join(_summary(executed)), evidence=rest)
    elif rest:
        yield Answer(Status.NOTED, CATALOG, "Some of what the migrations made was not run.", evidence=rest)


def _answer(context: Context, failure: Failure) -> Answer:
    refusal = failure.refusal
    is_view = any(view.name == failure.function for view in context.migrated.views)
    where = "fails when it is read" if is_view else "fails when it runs"
    if failure.line is not None:
        how = ", and its own handler hides it" if failure.hidden else ", to which no call here came"
        where = f"fails at line {failure.line} of its body{'' if failure.reached else how}"
    if failure.checked:
        at = "at its end" if failure.line is None else f"at line {failure.line} of its body"
        where = f"fails {at}, which plpgsql_check reads and no call here came to"
    if failure.kind == "job":
        return _job(context, failure)
    if failure.kind == "trigger":
        return _trigger(context, failure)
    kind, name = "VIEW" if is_view else "FUNCTION", failure.function.partition("(")[0]
    return Answer(
        Status.BROKEN,
        failure.function,
        f"{failure.function} {where}: {refusal.message}.",
        expected="a view that can be read" if is_view else "a body that runs",
        actual=str(refusal),
        remedy=f"Correct the {'query' if is_view else 'body'}: CREATE OR REPLACE {kind} {name}.",
        evidence=[
            *(
                [Evidence(title=_title(failure), text=f"{failure.statement};", language="sql")]
                if failure.statement
                else []
            ),
            *refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "view" if is_view else "function", failure.function),
        severity=Severity.WARNING if failure.checked or (failure.line and not failure.reached) else None,
    )


def _columns(constant: RefusedConstant) -> Sequence[str]:
    return [f"{constant.table}.{identifier(name).as_string(None)}" for name in constant.values]


def _subject(constant: RefusedConstant) -> str:
    return (constant.other.subject if constant.other else constant.function) or _columns(constant)[0]


def _refused(context: Context, constant: RefusedConstant, *others: RefusedConstant) -> Answer:
    """Of one function or column; `others` are what else it writes that is refused."""
    refusal, columns, subject = constant.refusal, _columns(constant), _subject(constant)
    value, names = ", ".join(constant.values.values()), " and ".join(columns)
    what = f"leaves out {names}" if constant.is_left_out else f"writes {value} into {names}"
    instead = f"give {names} a default." if constant.is_left_out else f"let {names} take {value}."
    if constant.other is not None:
        said = f"{constant.other.called.replace('the', 'The', 1)} {what}"
        remedy = f"Make {constant.other.called} again in the same deploy, with what is taken. Or {instead}"
    elif constant.function is None:
        said = f"An INSERT that leaves out {names} gives it its default"
        name = identifier(*constant.values).as_string(None)
        remedy = f"ALTER TABLE {constant.table} ALTER COLUMN {name} SET DEFAULT …; or DROP DEFAULT."
    else:
        line = f" at line {constant.line} of its body" if constant.line else ""
        missed = "" if constant.reached else ", to which no call here came"
        if constant.is_anothers:
            what = f"passes {value} on to {names}"
        said = f"{constant.function} {what}{line}{missed}"
        remedy = f"Correct the body in the same deploy: CREATE OR REPLACE FUNCTION {subject} …. "
        remedy += f"Or {instead}"
    if constant.unless_in:
        remedy = f"Put it there in the same deploy: INSERT INTO {constant.unless_in} … ON CONFLICT DO NOTHING. {remedy}"
    unless = f", unless {constant.unless_in} has it from somewhere else than a migration" if constant.unless_in else ""
    call, words = constant.call or ("", refusal)
    texts = {
        "The statement of the body": constant.statement,
        "What is refused"
        if constant.is_of_made
        else "What goes through before the deploy, and not after it": constant.shown,
        "A call that it refuses": call,
    }
    rows = [(*_place(other), ", ".join(other.values.values()), other.refusal.message) for other in others]
    return Answer(
        Status.BROKEN,
        subject,
        f"{said}, which is refused{'' if constant.is_of_made else ' after the deploy'}{unless}: {refusal.message}.",
        expected=f"a value that is taken{'' if constant.is_of_made else ', as before the deploy'}",
        actual=str(refusal),
        remedy=remedy,
        evidence=[
            *(Evidence(title=title, text=f"{text};", language="sql") for title, text in texts.items() if text),
            *words.evidence()[:1],
            *([Evidence(title="What else is refused", columns=_ELSE, rows=tuple(rows))] if rows else []),
        ],
        origin=_scheduled(context, subject)
        or origin_in_chain(context.promise, "constraint", f"{constant.table}.{refusal.constraint}")
        or origin_in_chain(context.promise, "function", subject),
        severity=None if constant.reached and not unless else Severity.WARNING,
    )


def _place(constant: RefusedConstant) -> tuple[str, str]:
    return str(constant.line or ""), ", ".join(_columns(constant))


def _repeated(context: Context, repeated: RepeatedWrite) -> Answer:
    names, routine = " and ".join(key_columns(repeated)), repeated.routine
    value = ", ".join(repeated.values.values())
    line = f" at line {repeated.line} of its body" if repeated.line else ""
    what = "the second write that fires it" if routine.is_trigger else "its second call"
    name = routine.function.name
    return Answer(
        Status.BROKEN,
        name,
        f"{name} writes {value} into {names}{line}, and {what} is refused after the deploy: {repeated.refusal.message}.",
        expected="a value that is taken again, as before the deploy",
        actual=str(repeated.refusal),
        remedy="Let the body write it once (INSERT … ON CONFLICT DO NOTHING, or DO UPDATE) in the same deploy: CREATE OR "
        f"REPLACE FUNCTION {name.partition('(')[0]}. Or let {names} hold it more than once.",
        evidence=[
            *(
                [Evidence(title="The statement of the body", text=f"{repeated.statement};", language="sql")]
                if repeated.statement
                else []
            ),
            Evidence(
                title="What goes through before the deploy, and not after it", text=f"{repeated.shown};", language="sql"
            ),
            *repeated.refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "index", f"{repeated.table}.{repeated.refusal.constraint}")
        or origin_in_chain(context.promise, "function", name),
        severity=None if routine.is_trigger else Severity.WARNING,
    )


def _trigger(context: Context, failure: Failure) -> Answer:
    return Answer(
        Status.BROKEN,
        failure.function,
        f"The trigger {failure.function} refuses each write that fires it: {failure.refusal.message}.",
        expected="arguments that its function takes",
        actual=str(failure.refusal),
        remedy="Make it again with the name of a column that is there.",
        evidence=[
            Evidence(title="The statement that fires it", text=f"{failure.statement};", language="sql"),
            *failure.refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "trigger", failure.function),
    )


def _scheduled(context: Context, subject: str) -> Origin | None:
    """Where the chain schedules the job of pg_cron last."""
    name = f"'{subject.removeprefix('cron.job ')}'"
    for migration in reversed(context.promise.project.chain):
        for statement in reversed(migration.up.statements):
            if subject.startswith("cron.job ") and "cron.schedule" in statement.text and name in statement.text:
                return Origin(file=statement.path, line=statement.line)
    return None


def _job(context: Context, failure: Failure) -> Answer:
    return Answer(
        Status.BROKEN,
        f"cron.job {failure.function}",
        f"The job {failure.function} of pg_cron fails whenever it runs: {failure.refusal.message}.",
        expected="a command that runs",
        actual=str(failure.refusal),
        remedy=f"SELECT cron.schedule('{failure.function}', …) with one that runs replaces it.",
        evidence=[Evidence(title="The command", text=failure.statement, language="sql"), *failure.refusal.evidence()[:1]],
        origin=_scheduled(context, f"cron.job {failure.function}"),
    )


def _denials(context: Context) -> Sequence[Denial]:
    with suppress(CouldNotAsk):
        return denials(context)
    return ()


def _denied(context: Context, denial: Denial) -> Answer:
    bare = denial.function.partition("(")[0]
    write = _EVERY.get((denial.event, denial.table), _WRITES[denial.event].format(denial.table))
    regimes = [regime.description for regime in context.regimes if regime.name in denial.regimes]
    differ = len(grants_by_regime(context)) > len(regimes)
    where = f" in projects made {' or '.join(regimes)}" if differ else ""
    what = "which its own handler hides, at" if denial.hidden else "and with it"
    return Answer(
        Status.BROKEN,
        denial.function,
        f"{denial.function} fails when it runs as {denial.role}, {what} {write}{where}: {denial.refusal.message}.",
        expected=f"a trigger that {denial.role} may run",
        actual=str(denial.refusal),
        remedy=f"ALTER FUNCTION {denial.function} SECURITY DEFINER SET search_path = ''; and name each table with its "
        f"schema in the body. Or give {denial.role} what {bare} needs.",
        evidence=[
            Evidence(title=f"As {denial.role}", text=denial.shown.rstrip(";") + ";", language="sql"),
            *denial.refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "function", denial.function),
        severity=Severity.WARNING if denial.hidden else None,
    )


def _sign_ups(context: Context) -> Sequence[RefusedSignUp]:
    with suppress(CouldNotAsk):
        return refused_sign_ups(context)
    return ()


def _refused_sign_up(context: Context, sign_up: RefusedSignUp) -> Answer:
    name = sign_up.function
    keys = " and ".join(sign_up.lacking)
    which = "the second sign-up that brings" if sign_up.is_second else "a sign-up that brings"
    remedy = f"COALESCE(NEW.raw_user_meta_data ->> '{sign_up.lacking[0]}', …) in its body"
    if sign_up.refusal.sqlstate != "23502":
        remedy = f"In its body put what is taken in the place of {keys}"
        remedy += ", such as NEW.id, which is nobody else's" if sign_up.refusal.sqlstate == "23505" else ""
    remedy += f": CREATE OR REPLACE FUNCTION {name} …."
    return Answer(
        Status.BROKEN,
        name,
        f"{name} refuses {which} no {keys}, as by e-mail and password alone: {sign_up.refusal.message}.",
        expected="a user who signs up with raw_user_meta_data '{}'",
        actual=str(sign_up.refusal),
        remedy=f"{remedy} Or let the column be NULL." if sign_up.refusal.sqlstate == "23502" else remedy,
        evidence=[
            Evidence(title="What Auth writes", text=f"{sign_up.statement};", language="sql"),
            *sign_up.refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "function", name),
        severity=Severity.WARNING,
    )


def _title(failure: Failure) -> str:
    if failure.checked:
        return "What it fails at, which was read and not run"
    return "The statement that runs it" if failure.line is None else "The statement of the body, run by itself"


def _summary(executed: Executed) -> Iterator[str]:
    yield "No function that was run names what is not there."
    groups = {
        "Read by plpgsql_check, and not called": [name for name in executed.left if name in executed.checked],
        "Not called": [name for name in executed.left if name not in executed.checked],
    }
    for words, names in groups.items():
        if names:
            left = [f"{name} ({executed.left[name]})" for name in names]
            yield f"{words}: {', '.join(left[:_FIRST])}{', …' if len(left) > _FIRST else ''}."
    if lacking := _lacking_checker(executed):
        yield lacking


def _lacking_checker(executed: Executed) -> str:
    """What would read those that are not called; empty where it did, or there are none."""
    is_needed = any(name in executed.unchecked for name in executed.left)
    return _CHECKERS.get(executed.checker, "") if is_needed else ""


def _rest(executed: Executed, services: str) -> list[Evidence]:
    """What was not called, not visited, or did not end in time."""
    read = dict.fromkeys(executed.checked, ", but read by plpgsql_check")
    lacking = _lacking_checker(executed)
    rows = [
        *((name, f"not called: {why}{read.get(name, '')}") for name, why in executed.left.items()),
        *((name, f"did not end within a second: {statement};") for name, statement in executed.slow.items()),
        *([("triggers in auth and storage", f"not fired as who writes there: {services}")] if services else []),
        *(
            (name, f"{_lines(lines)}{read.get(name, '')}")
            for name, lines in executed.unvisited.items()
            if not (name in executed.left and name in read)
        ),
        *([("plpgsql_check", lacking)] if lacking else []),
    ]
    return [Evidence(title="What was not run", columns=("function", "what"), rows=tuple(sorted(rows)))] if rows else []


def _lines(lines: tuple[int, ...]) -> str:
    if not lines:
        return "its statements could not be told apart: where a call came is not known"
    return f"not visited: line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
