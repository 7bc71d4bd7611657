"""Keys, tokens and passwords that stand as text in a migration."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Final

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql.lexer import without_comments
from pgcontract.model.wording import first_of, joined
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.result import Severity, Status
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check
from pgcontract.rules.traps.made_parts import CATALOG, catalog_of_head
from pgcontract.values import dataclass

_NAMED: Final = 4
_JWT: Final = lazy_pattern(r"\beyJ[\w-]{8,}\.(?P<claims>eyJ[\w-]{8,})\.[\w-]{16,}")
# As their makers write them; those that a browser may hold (pk_live_, sb_publishable_, AIza) are no secrets.
_KEYS: Final = {
    "a secret key of Supabase": lazy_pattern(r"\bsb_secret_[\w-]{20,}"),
    "a secret key of Stripe": lazy_pattern(r"\b[rs]k_live_\w{16,}"),
    "a webhook secret": lazy_pattern(r"\bwhsec_[\w+/=]{24,}"),
    "a token of GitHub": lazy_pattern(r"\b(?:gh[posru]_\w{36}|github_pat_\w{50,})"),
    "a token of Slack": lazy_pattern(r"\bxox[abprs]-[\w-]{20,}"),
    "a key of SendGrid": lazy_pattern(r"\bSG\.[\w-]{20,}\.[\w-]{30,}"),
    "a key of Resend": lazy_pattern(r"\bre_[A-Za-z0-9]{8,}_[A-Za-z0-9]{20,}\b"),
    "a key of a language model": lazy_pattern(r"\bsk-(?:ant|proj|or)-[\w-]{20,}"),
    "an access key of AWS": lazy_pattern(r"\bAKIA[A-Z0-9]{16}\b"),
    "a private key": lazy_pattern(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[\w+/=]{16}"),
}
# What else is one is told by where it stands. A verifier (SCRAM-SHA-256$…, md5…) is what the server keeps itself.
_PLACES: Final = {
    "a password": lazy_pattern(
        r"\b(?:ROLE|USER)\b[^;']*?\bPASSWORD\s+E?'{1,2}(?!SCRAM-SHA-256\$|md5[0-9a-f]{32}')(?P<value>[^']+)'",
        re.IGNORECASE,
    ),
    "a password of a foreign server": lazy_pattern(r"\bOPTIONS\s*\([^;]*?\bpassword\s+'(?P<value>[^']+)'", re.IGNORECASE),
    "a password in an address": lazy_pattern(r"\bpostgres(?:ql)?://[^\s:/@']+:(?P<value>[^\s@/']+)@"),
    "a password of a connection": lazy_pattern(r"\b(?:host|dbname)=[^']*\bpassword=(?P<value>[^\s']+)", re.IGNORECASE),
    "a secret of the vault": lazy_pattern(
        r"\bvault\s*\.\s*create_secret\s*\(\s*(?:new_secret\s*(?:=>|:=)\s*)?'(?P<value>[^']{8,})'", re.IGNORECASE
    ),
    "a key in a header": lazy_pattern(r"\b(?:Bearer|apikey[\"']*\s*[:,]\s*[\"']*)\s*(?P<value>[\w.+/=-]{24,})"),
}
# What stands for a secret, is filled in elsewhere, or is for everybody.
_NONE: Final = lazy_pattern(
    r"^<.*>$|\$\{|\{\{|^[%$:*.]|\.\.\.|your|change_?me|placeholder|example|redacted|xxx|https?://|sb_publishable_|^[ps]k_test_"
    r"|^eyJ",
    re.IGNORECASE,
)
_PUBLIC_ROLES: Final = ("anon", "authenticated")


@dataclass(frozen=True, kw_only=True)
class _Secret:
    """What it is, and where it begins; never what it says."""

    what: str
    path: str
    line: int
    pending: bool


@check("script.secrets", subjects=catalog_of_head, severity=Severity.WARNING, head=True)
def script_secrets(context: Context) -> Iterator[Answer]:
    """No migration holds a key, a token or a password as text.

    Why it matters: whoever reads the repository has it, and so does whoever reads where the server keeps the text: a
    function's body, cron.job, the log, supabase_migrations.schema_migrations. It stays in git's history.
    How it is measured: the statements of every migration, against how the makers of such keys write them, and the
    places where a password stands. A JSON Web Token is read: that of anon is public. What says itself that it stands for
    another one (YOUR_KEY, <password>, ${KEY}) is left out. No value is printed. In what is deployed it is a note.
    What to do: read it where it is kept when it is used (vault.decrypted_secrets, current_setting(), the service that
    calls), make a new one, and have the old one refused.
    """
    project = context.promise.project
    secrets = [one for migration in project.chain for one in _read(migration, pending=migration in project.pending)]
    pending = [one for one in secrets if one.pending]
    told = pending or secrets
    if not told:
        yield Answer(Status.KEPT, CATALOG, "No migration holds a key, a token or a password as text.")
        return
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
        remedy="Read it where it is used: (SELECT decrypted_secret FROM vault.decrypted_secrets WHERE name = '…') on "
        "Supabase, current_setting('app.…') elsewhere; and have the old one refused, for it stays in git's history.",
        origin=Origin(file=told[0].path, line=told[0].line),
    )


def _read(migration: Migration, *, pending: bool) -> Iterator[_Secret]:
    script = migration.up
    for statement in script.statements:
        found: dict[int, str] = {}
        for match in _JWT.finditer(statement.text):
            if (what := _of_token(match["claims"])) is not None:
                found[match.start()] = what
        for what, pattern in _KEYS.items():
            for match in pattern.finditer(statement.text):
                if not _NONE.search(match.group()):
                    found[match.start()] = what
        for what, pattern in _PLACES.items():
            for match in pattern.finditer(without_comments(statement.text)):
                if not _NONE.search(match["value"]) and not any(key.search(match["value"]) for key in _KEYS.values()):
                    found.setdefault(statement.text.find(match["value"]), what)
        lines = {statement.line + statement.text.count("\n", 0, at): what for at, what in sorted(found.items())}
        for line, what in lines.items():
            yield _Secret(what=what, path=statement.path or script.path, line=line, pending=pending)


def _of_token(claims: str) -> str | None:
    """What a JSON Web Token is, None of one that everybody may have: anon's, and those of a local stack."""
    try:
        said = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return "a JSON Web Token"
    if not isinstance(said, dict) or said.get("iss") == "supabase-demo" or said.get("role") in _PUBLIC_ROLES:
        return None
    return "the key of service_role" if said.get("role") == "service_role" else "a JSON Web Token"
