"""Functions that run with their owner's rights for whoever calls them, and names found by his search_path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg

from pgcontract.errors import CouldNotAsk
from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import Column, Function
from pgcontract.model.wording import first_of
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.cached_facts import cached_state_fact
from pgcontract.probes.context import Context
from pgcontract.probes.roles.acting import Outcome, Stage
from pgcontract.probes.roles.definers import try_definers
from pgcontract.probes.roles.exposed_functions import LEAVES, ExposedFunction, asks_who
from pgcontract.probes.roles.users import ANON, SECOND, Actor
from pgcontract.probes.roles.users_state import acting_stages, supports_roles
from pgcontract.probes.row_generation.simple_values import simplest_value
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.access.shown import described, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, made_parts, origin_in_chain

_TAKEN: Final = "pgcontract: this ran as "
_UNQUALIFIED: Final = lazy_pattern(
    r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?(?P<name>[a-z_][\w$]*)\b(?!\s*[.(])", re.IGNORECASE
)
_NOT_CALLABLE: Final = ("trigger", "event_trigger")


@check("function.definer_closed", subjects=catalog_of_head, severity=Severity.WARNING, head=True, implied=True)
@otherwise_kept(CATALOG, "No SECURITY DEFINER function may be called by just anybody.")
def function_definer_closed(context: Context) -> Iterator[Answer]:
    """No SECURITY DEFINER function may be called by just anybody.

    Why it matters: it does what its owner may do. PostgreSQL lets everybody execute a new function, and the REST API of
    Supabase shows one in an exposed schema to anon as /rpc/...
    How it is measured: on Supabase, anon calls each such function of the exposed schemas; elsewhere, those that PUBLIC
    has EXECUTE on are told. One that asks in its body who calls it (auth.uid(), auth.jwt(), session_user) is not, nor a
    trigger function, which nobody can call.
    What to do: REVOKE EXECUTE ON FUNCTION ... FROM PUBLIC, anon; and GRANT EXECUTE to whom it is for.
    """
    for function, outcome in _open_definers(context):
        who = "anon" if outcome else "Everybody"
        did = "calls" if outcome and outcome.refusal is None else "may call"
        yield Answer(
            Status.BROKEN,
            function.name,
            f"{who} {did} {function.name}, which runs with the rights of its owner.",
            expected="EXECUTE for whom it is for",
            actual="EXECUTE for PUBLIC",
            remedy=f"REVOKE EXECUTE ON FUNCTION {function.name} FROM PUBLIC{', anon' if outcome else ''}; then GRANT "
            "EXECUTE ON it to whom it is for.",
            evidence=[session(outcome, ANON)] if outcome else [],
            origin=origin_in_chain(context.promise, "function", function.name),
        )


def _open_definers(context: Context) -> Iterator[tuple[Function, Outcome | None]]:
    """The functions, and the call of anon's that shows it."""
    if supports_roles(context):
        definers = try_definers(context)
        for one in definers.exposed:
            is_open = one.function.security == "definer" and "anon" in one.roles
            if is_open and not asks_who(context.after, one.function):
                call = Outcome(statement=f"SELECT {one.function.name}")
                yield one.function, definers.called.get(one.function.name, call)
        return
    open_to_all = {
        grant.object[1]
        for grant in context.after.grants
        if grant.grantee == "public" and grant.object[0] == "function" and "execute" in grant.privileges
    }
    for function in made_parts(context, "functions"):
        is_called = function.form in ("function", "procedure") and function.returns not in _NOT_CALLABLE
        is_open = is_called and function.security == "definer" and function.name in open_to_all
        if is_open and not asks_who(context.after, function):
            yield function, None


@check("function.search_path", subjects=catalog_of_head, severity=Severity.WARNING, head=True, implied=True)
def function_search_path(context: Context) -> Iterator[Answer]:
    """Each function that runs with its owner's rights finds names by a search_path of its own.

    Why it matters: without one it finds them by its caller's, and always in his temporary schema first. Who makes a
    table there of the right name has his own code run with the rights of the function's owner.
    How it is measured: SECURITY DEFINER functions that the chain made without SET search_path. Where the body names a
    table without its schema, the attack is run as whoever may call it: a temporary view of that name which calls a
    function of his. On Supabase the other functions without one are counted in one line.
    What to do: ALTER FUNCTION ... SET search_path = '', with every name in the body written out: public.kites.
    """
    functions = [one for one in made_parts(context, "functions") if one.form in ("function", "procedure")]
    loose = [one for one in functions if not any(setting.startswith("search_path=") for setting in one.settings)]
    definers = [one for one in loose if one.security == "definer"]
    attacks = run_attacks(context) if definers and supports_roles(context) else {}
    for function in definers:
        yield _path_answer(context, function, attacks.get(function.name))
    others = [one for one in loose if one.security != "definer"] if supports_roles(context) else []
    if others:
        yield _others_answer(others)
    if not definers and not others:
        yield Answer(Status.KEPT, CATALOG, "Each function with its owner's rights has a search_path of its own.")


def _path_answer(context: Context, function: Function, attack: tuple[Actor, Outcome] | None) -> Answer:
    summary = f"{function.name} runs with the rights of its owner, and finds names by the search_path of its caller"
    evidence: Sequence[Evidence] = ()
    if attack is not None and attack[1].refusal is not None:
        actor, outcome = attack
        owner = attack[1].refusal.message.removeprefix(_TAKEN)
        summary += f": a function of {described(actor)}'s own ran as {owner}"
        evidence = (session(outcome, actor), *attack[1].refusal.evidence()[:1])
    return Answer(
        Status.BROKEN,
        function.name,
        f"{summary}.",
        expected="SET search_path = ''",
        actual="no search_path of its own",
        remedy=f"ALTER FUNCTION {function.name} SET search_path = ''; with every name in its body written out.",
        evidence=evidence,
        origin=origin_in_chain(context.promise, "function", function.name),
    )


def _others_answer(functions: Sequence[Function]) -> Answer:
    names = [function.name for function in functions]
    have = "1 function has" if len(names) == 1 else f"{len(names)} functions have"
    return Answer(
        Status.BROKEN,
        CATALOG,
        f"{have} no search_path of {'its' if len(names) == 1 else 'their'} own: {first_of(names)}.",
        expected="SET search_path = ''",
        actual="names are found by the search_path of the caller",
        remedy=" ".join(f"ALTER FUNCTION {name} SET search_path = '';" for name in names),
    )


@cached_state_fact
def run_attacks(context: Context) -> dict[str, tuple[Actor, Outcome]]:
    """The calls of SECURITY DEFINER functions in which code of the caller's ran as another, by function."""
    shown = {}
    callable_ = [one for one in try_definers(context).exposed if one.function.security == "definer"]
    try:
        with acting_stages(context) as open_stage:
            stage = open_stage(context.regimes[0].name)
            for one in callable_:
                has_path = any(setting.startswith("search_path=") for setting in one.function.settings)
                if has_path or LEAVES.search(one.function.body or ""):
                    continue
                for actor in (ANON, SECOND):
                    if actor.role in one.roles and (outcome := _attack(context, stage, one, actor)) is not None:
                        shown[one.function.name] = actor, outcome
                        break
    except (CouldNotAsk, psycopg.Error):
        return {}
    return shown


def _attack(context: Context, stage: Stage, one: ExposedFunction, actor: Actor) -> Outcome | None:
    columns: dict[str, list[Column]] = {}
    for column in context.after.columns:
        table = QualifiedName.parse(column.table)
        if table.schema == "public":
            columns.setdefault(table.name, []).append(column)
    given = ", ".join(f"'{simplest_value(context.after, type_)}'::{type_}" for type_ in one.arguments)
    for name in dict.fromkeys(match["name"].lower() for match in _UNQUALIFIED.finditer(one.function.body or "")):
        if name not in columns:
            continue
        listed = ", ".join(f"NULL::{column.type} AS {column.quoted_name}" for column in columns[name])
        outcome = stage.attempt(
            "CREATE FUNCTION pg_temp.taken() RETURNS boolean LANGUAGE plpgsql AS\n"
            f"$$ BEGIN RAISE EXCEPTION '{_TAKEN}%', current_user; END $$;\n"
            f"CREATE TEMP VIEW {name} AS SELECT {listed} WHERE pg_temp.taken();\n"
            f"SELECT {one.function.name.partition('(')[0]}({given})",
            actor,
        )
        refusal = outcome.refusal
        if refusal is not None and refusal.message.startswith(_TAKEN) and refusal.message != f"{_TAKEN}{actor.role}":
            return outcome
    return None
