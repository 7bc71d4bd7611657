"""Keys, tokens and passwords that stand as text in a migration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pgcontract.model.schema import Origin
from pgcontract.model.wording import first_of, joined
from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head

_NAMED: Final = 4
_READ: Final = (
    "Read it where it is used: (SELECT decrypted_secret FROM vault.decrypted_secrets WHERE name = '…') on Supabase, "
    "current_setting('app.…') elsewhere."
)
# Where the server takes a constant alone, and where it is put away.
_REMEDIES: Final = {
    "a password": "Make the role without it; give it one by hand: \\password in psql, ALTER ROLE … PASSWORD elsewhere.",
    "a password of a foreign server": "Make the user mapping by hand: its options are constants, never read.",
    "a secret of the vault": "Put it into the vault by hand, once a project: a migration only reads it by its name.",
}


@check("script.secrets", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
def script_secrets(context: Context) -> Iterator[Answer]:
    """No migration holds a key, a token or a password as text.

    Why it matters: whoever reads the repository has it, and so does whoever reads where the server keeps the text: a
    function's body, cron.job, the log, supabase_migrations.schema_migrations. It stays in git's history.
    How it is measured: the statements of every migration, against how the makers of such keys write them, and the
    places where a password stands. A JSON Web Token is read: that of anon is public. What says itself that it stands for
    another one (YOUR_KEY, <password>, ${KEY}) is left out. No report prints a value. In what is deployed it is a note.
    What to do: read it where it is kept when it is used (vault.decrypted_secrets, current_setting(), the service that
    calls), make a new one, and have the old one refused.
    """
    project = context.promise.project
    pending = [one for migration in project.pending for one in project.written_secrets[migration.key]]
    told = pending or [one for found in project.written_secrets.values() for one in found]
    if not told:
        yield Answer(Status.KEPT, CATALOG, "No migration holds a key, a token or a password as text.")
        return
    ways = dict.fromkeys(_REMEDIES.get(one.what, _READ) for one in told)
    kinds = joined([*dict.fromkeys(one.what for one in told)])
    places = [f"{one.path.rpartition('/')[2]}:{one.line}" for one in told]
    is_one = len(told) == 1
    summary = f"{kinds[0].upper()}{kinds[1:]} stands as text in {places[0]}"
    if not is_one:
        named = [f"{place} ({one.what})" for place, one in zip(places, told, strict=True)]
        summary = f"{len(told)} secrets stand as text in {first_of(named, _NAMED)}"
    summary += f": whoever reads the repository has {'it' if is_one else 'them'}."
    yield Answer(
        Status.BROKEN if pending else Status.NOTED,
        CATALOG,
        summary,
        expected="no secret in the text",
        actual=kinds,
        remedy=f"{' '.join(ways)} Have the old one refused, for it stays in git's history.",
        origin=Origin(file=told[0].path, line=told[0].line),
    )
