"""Extensions that this server was built without: what stood in for them, and what was therefore not asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import without_comments
from pgcontract.model.wording import first_of, joined
from pgcontract.postgres import builds
from pgcontract.postgres.stand_ins import PREINSTALLED, StandIn, offered
from pgcontract.probes.context import Context
from pgcontract.result import Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head

_NAMED = 4
# What runs the functions that it calls when it is sent; a policy, a trigger or a grant only names them.
_RUNS = frozenset(
    ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "CALL", "DO", "TABLE", "INDEX", "MATERIALIZED")
)
_TABLE = r'(?:ONLY\s+)?(?:"?\w+"?\s*\.\s*)?"?(?P<table>\w+)"?'
_FUNCTION = r'(?:FUNCTION|PROCEDURE)\s+(?:"?\w+"?\s*\.\s*)?"?(?P<function>\w+)'
_TRIGGER = re.compile(rf"\bTRIGGER\b.*?\bON\s+{_TABLE}.*\bEXECUTE\s+{_FUNCTION}", re.IGNORECASE | re.DOTALL)
_JOB = re.compile(r"\bcron\s*\.\s*schedule", re.IGNORECASE)  # its command runs later, and is asked by itself
_WRITES = re.compile(rf"\b(?:INSERT\s+INTO|MERGE\s+INTO|UPDATE|DELETE\s+FROM|COPY)\s+{_TABLE}", re.IGNORECASE)
_CREATE = re.compile(r'CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(?P<name>[\w-]+)', re.IGNORECASE)


@check("extension.available", subjects=catalog_of_head, head=True, always_asked=True)
def extension_available(context: Context) -> Iterator[Answer]:
    """The extensions whose functions are used are on this server.

    Why it matters: where one is missing, functions of pgcontract's own stand in for it, so that the folder is judged all
    the same. They have the names, arguments and refusals of the real ones; what the real ones give is not shown by them.
    How it is measured: pg_extension's names against those that the server was built without; the functions that the
    chain's statements and bodies name. It is "not shown" where a statement of a pending script needs one, calls a body
    that does, or writes to a table whose trigger does; where bodies alone do, or what is deployed, it is a note. So are
    the jobs of pg_cron: they are written down as there, and function.runs runs their commands; and what gives here
    what it gives there (uuid_generate_v4, digest, pgmq.create).
    What to do: run pgcontract on a server that has the extension, as the finding names it.
    """
    server, project = context.sandbox.server, context.promise.project
    created = _created(context)
    uses = [
        _Use(stand_in) for stand_in in offered(project.platform) if stand_in.name in context.sandbox.stand_ins & created
    ]
    for migration in project.chain:
        for use in uses:
            use.read(migration, is_pending=migration in project.pending)
    uses = [use for use in uses if use.functions]
    if not uses:
        yield Answer(Status.KEPT, CATALOG, "The extensions whose functions are used are on this server.")
        return
    names = [use.stand_in.name for use in uses]
    functions = [f"{name}()" for use in uses for name in use.functions]
    one = len(names) == 1
    needed = next((use.needed for use in uses if use.needed is not None), None)
    yield Answer(
        Status.UNKNOWN if needed is not None else Status.NOTED,
        CATALOG,
        f"{joined(names)} {'is' if one else 'are'} not in this server's build, and pgcontract's own functions stood in "
        f"for {'it' if one else 'them'}: all else was asked, what {first_of(functions, _NAMED)} "
        f"{'gives' if len(functions) == 1 else 'give'} was not.",
        remedy=_remedy(names, project.postgres or server.major, server.provider),
        origin=needed,
    )


def _created(context: Context) -> frozenset[str]:
    """The extensions that are there: the platform's, the setup's and the folder's own."""
    project = context.promise.project
    texts = [migration.up.text for migration in project.chain]
    texts += [project.setup.text] if project.setup is not None else []
    names = {match["name"].lower() for text in texts for match in _CREATE.finditer(without_comments(text))}
    return frozenset(names) | (PREINSTALLED if project.platform == "supabase" else frozenset())


class _Use:
    """What the chain uses of one stand-in: its functions, and where a pending statement first needs one."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.functions: list[str] = []
        self.needed: Origin | None = None
        self._callers: set[str] = set()  # the folder's own routines that use what differs in it
        self._tables: set[str] = set()  # whose triggers call them
        names = "|".join(sorted(stand_in.functions))
        home = rf'"?{stand_in.home}"?\s*\.\s*' if stand_in.home else r'(?:"?\w+"?\s*\.\s*)?'
        self._call = re.compile(rf'(?<![\w."])(?P<name>{home}"?(?P<bare>{names})"?)\s*\(', re.IGNORECASE)

    def read(self, migration: Migration, *, is_pending: bool) -> None:
        for statement in migration.up.statements if self.stand_in.functions else ():
            calls = [*self._call.finditer(without_comments(statement.text))]
            called = [self._spelling(match) for match in calls]
            differs = self.stand_in.differs({match["bare"].lower() for match in calls})
            makes = _makes_routine(statement)
            if called and makes and any(word in called for word in _made_name(statement)):
                continue  # a function of the folder's that has the name
            self.functions += [name for name in dict.fromkeys(called) if name not in self.functions]
            if makes and (differs or self._is_through(statement)):
                self._callers.update(_made_name(statement))
            trigger = _TRIGGER.search(without_comments(statement.text))
            if trigger is not None and trigger["function"].lower() in self._callers:
                self._tables.add(trigger["table"].lower())
            is_needed = differs or (_runs(statement) and (self._is_through(statement) or self._fires(statement)))
            is_later = makes or _JOB.search(statement.text)
            if is_needed and is_pending and self.needed is None and not is_later:
                self.needed = Origin(file=statement.path or migration.up.path, line=statement.line)

    def _is_through(self, statement: Statement) -> bool:
        """Whether it names a routine of the folder's that comes to a function of it."""
        if not self._callers:
            return False
        words = set(re.findall(r"\w+(?=\"?\s*\()", without_comments(statement.text).lower()))
        return not words.isdisjoint(self._callers - set(_made_name(statement)))

    def _fires(self, statement: Statement) -> bool:
        """Whether it writes to a table whose triggers come to a function of it."""
        written = {match["table"].lower() for match in _WRITES.finditer(without_comments(statement.text))}
        return not self._tables.isdisjoint(written)

    def _spelling(self, match: re.Match[str]) -> str:
        bare = match["bare"].lower()
        return f"{self.stand_in.home}.{bare}" if self.stand_in.home else bare


def _makes_routine(statement: Statement) -> bool:
    return statement.words[:1] == ("CREATE",) and not {"FUNCTION", "PROCEDURE"}.isdisjoint(statement.words[:4])


def _runs(statement: Statement) -> bool:
    return not _RUNS.isdisjoint(statement.words[:3])


def _made_name(statement: Statement) -> Iterable[str]:
    match = re.search(_FUNCTION, statement.text, re.IGNORECASE)
    return (match["function"].lower(),) if match else ()


def _remedy(names: list[str], major: int, spec: str) -> str:
    sources = {builds.describe_extension_source(name, major, lacking_spec=spec) for name in names}
    known = sorted((words for words in sources if words), key=len, reverse=True)
    words = known[0].removesuffix(" has it") if known else "--pg docker:IMAGE"
    return f"{words} has it." if words.startswith("--pg") else f"{words[0].upper()}{words[1:]}."
