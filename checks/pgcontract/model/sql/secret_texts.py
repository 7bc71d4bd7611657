"""Keys, tokens and passwords that stand as text in a script."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Final

from pgcontract.model.sql.lexer import without_comments
from pgcontract.model.sql.script import Script
from pgcontract.patterns import lazy_pattern
from pgcontract.values import dataclass

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
class WrittenSecret:
    """What it is, where it begins, and what it says, which no report may."""

    what: str
    path: str
    line: int
    value: str


def written_secrets(script: Script) -> Iterator[WrittenSecret]:
    """The secrets in the script's statements, in their order."""
    for statement in script.statements:
        found: dict[int, tuple[str, str]] = {}
        for match in _JWT.finditer(statement.text):
            if (what := _of_token(match["claims"])) is not None:
                found[match.start()] = what, match.group()
        for what, pattern in _KEYS.items():
            for match in pattern.finditer(statement.text):
                if not _NONE.search(match.group()):
                    found[match.start()] = what, match.group()
        for what, pattern in _PLACES.items():
            for match in pattern.finditer(without_comments(statement.text)):
                value = match["value"]
                if not _NONE.search(value) and not any(key.search(value) for key in _KEYS.values()):
                    found.setdefault(statement.text.find(value), (what, value))
        for at, (what, value) in sorted(found.items()):
            line = statement.line + statement.text.count("\n", 0, at)
            yield WrittenSecret(what=what, path=statement.path or script.path, line=line, value=value)


def _of_token(claims: str) -> str | None:
    """What a JSON Web Token is, None of one that everybody may have: anon's, and those of a local stack."""
    try:
        said = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return "a JSON Web Token"
    if not isinstance(said, dict) or said.get("iss") == "supabase-demo" or said.get("role") in _PUBLIC_ROLES:
        return None
    return "the key of service_role" if said.get("role") == "service_role" else "a JSON Web Token"
