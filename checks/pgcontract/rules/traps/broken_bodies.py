"""Functions whose bodies fail whoever runs them: by a call, a trigger or a view."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.probes.context import Context
from pgcontract.probes.executed import Failure, execute_bodies
from pgcontract.result import Evidence, Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head, origin_in_chain


@check("function.runs", subjects=catalog_of_head, severity=Severity.ERROR, head=True, implied=True)
def function_runs(context: Context) -> Iterator[Answer]:
    """No function's body names a column, table or function that is not there.

    Why it matters: the server looks into a body when it runs, and not when it is created. A trigger function that names a
    renamed column refuses every write of its table; a function with an ambiguous name fails at every call.
    How it is measured: at the head of the chain, over rows, every trigger is fired (INSERT, UPDATE of each column,
    DELETE), every function called with simple values and with nulls, every view read, each in a savepoint of a database
    that is dropped. Only errors count that are in the body whatever it is called with, by the server's CONTEXT; SQL put
    together at run time does not. What asks another server, a file or a lock is not called.
    What to do: correct the body in a migration of its own: CREATE OR REPLACE FUNCTION.
    """
    executed = execute_bodies(context)
    yield from (_answer(context, failure) for failure in executed.failures)
    if not executed.failures:
        left = [f"{name} ({why})" for name, why in executed.left.items()]
        more = f" Not called: {', '.join(left[:5])}{', …' if len(left) > 5 else ''}." if left else ""
        yield Answer(Status.KEPT, CATALOG, f"No function that was run names what is not there.{more}")


def _answer(context: Context, failure: Failure) -> Answer:
    refusal = failure.refusal
    return Answer(
        Status.BROKEN,
        failure.function,
        f"{failure.function} fails when it runs: {refusal.message}.",
        expected="a body that runs",
        actual=str(refusal),
        remedy=f"Correct the body: CREATE OR REPLACE FUNCTION {failure.function.partition('(')[0]}.",
        evidence=[
            Evidence(title="The statement that runs it", text=f"{failure.statement};", language="sql"),
            *refusal.evidence()[:1],
        ],
        origin=origin_in_chain(context.promise, "function", failure.function),
    )
