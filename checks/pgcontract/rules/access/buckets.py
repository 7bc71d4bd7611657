"""Files in buckets that others than their owner change, or that anybody lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pgcontract.contract import Migration
from pgcontract.model.schema import Origin
from pgcontract.model.sql import Statement
from pgcontract.model.sql.lexer import without_comments
from pgcontract.patterns import lazy_pattern
from pgcontract.probes.context import Context
from pgcontract.probes.roles.acting import literal
from pgcontract.probes.roles.buckets import OBJECTS, BucketTry, bucket_states, try_buckets
from pgcontract.probes.roles.users import ANNA, ANON
from pgcontract.result import Severity, Status
from pgcontract.rules.access.shown import catalog_on_supabase, described, session
from pgcontract.rules.answer import Answer
from pgcontract.rules.registry import check, otherwise_kept
from pgcontract.rules.traps.made_parts import CATALOG, origin_in_chain

_ALL: Final = "of any name"
_CHANGE: Final = lazy_pattern(
    r"""UPDATE\s+"?storage"?\s*\.\s*"?buckets"?\s.*?\bpublic\s*=\s*(?P<public>true|false|'\w+')(?:.*?\bWHERE\b(?P<where>.*))?""",
    re.IGNORECASE | re.DOTALL,
)
_MADE: Final = lazy_pattern(
    r"""INSERT\s+INTO\s+"?storage"?\s*\.\s*"?buckets"?\s*\((?P<columns>[^)]*)\)\s*VALUES\s*(?P<rows>.*?)
        (?:ON\s+CONFLICT\b.*?\bDO\s+(?P<do>NOTHING|UPDATE\s+SET\s+(?P<set>.*?)))?;?\s*""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_SET_PUBLIC: Final = lazy_pattern(r"\bpublic\s*=\s*(?P<public>true|false|excluded\s*\.\s*public)", re.IGNORECASE)
_ROW: Final = lazy_pattern(r"\((?P<values>(?:'(?:[^']|'')*'|[^()']|\([^()]*\))*)\)")
_VALUE: Final = lazy_pattern(r"(?:'(?:[^']|'')*'|\[[^\]]*\]|\([^()]*\)|[^,'\[(])+")
_TEXT: Final = lazy_pattern(r"'((?:[^']|'')+)'")
_WORDS = {
    "UPDATE": f"changes {ANNA.name}'s files",
    "DELETE": f"deletes {ANNA.name}'s files",
    "SELECT": f"reads {ANNA.name}'s files",
    "INSERT": "puts files",
}


@check("bucket.separates_users", subjects=catalog_on_supabase, severity=Severity.CRITICAL, head=True, implied=True)
@otherwise_kept(CATALOG, "No user changes another's files, and nobody without a name lists a bucket.")
def bucket_separates_users(context: Context) -> Iterator[Answer]:
    """No user changes or deletes another's files, and nobody without a name puts files in or lists a bucket.

    Why it matters: the policies on storage.objects are all that stands before the files. One that asks for the bucket
    alone gives every file in it to whoever signs up. A public bucket serves each file by its address as it is; a policy
    for SELECT on top of it hands out the list of all addresses.
    How it is measured: a file of each of two users is put into each bucket that a migration makes or a policy names; anon
    and the other user read, change and delete it, and put one beside it. Policies that look something up in a table are
    left out. That anon puts or reads files is a warning, as is the list of a public bucket, and a bucket that an UPDATE
    of the chain has made public and none has made private again; an INSERT ... ON CONFLICT DO UPDATE is one where an
    earlier INSERT of the chain made the bucket private.
    What to do: add (storage.foldername(name))[1] = (SELECT auth.uid())::text to the condition, or owner_id =
    (SELECT auth.uid())::text.
    """
    found: dict[str, list[BucketTry]] = {}
    for tried in try_buckets(context):
        if _is_reported(tried):
            found.setdefault(tried.bucket, []).append(tried)
    for bucket, tries in found.items():
        yield _answer(context, bucket, tries)
    private = {one for one, public in bucket_states(context).items() if not public}
    for bucket, statement in _opened(context.promise.project.chain).items():
        if bucket not in private and bucket not in found:
            yield _opened_answer(bucket, statement)


def _opened(chain: Sequence[Migration]) -> dict[str, Statement]:
    """The buckets that are made public when they are there, as the chain leaves them, with the statement that does it."""
    opened: dict[str, Statement] = {}
    made: dict[str, bool] = {}
    for migration in chain:
        for statement in migration.up.statements:
            text = without_comments(statement.text)
            is_block = statement.words[:1] == ("DO",)
            change = _CHANGE.search(text) if is_block else _CHANGE.match(text)
            if change is None:
                for bucket in _opened_by_insert(text, made) if not is_block else ():
                    opened[bucket] = statement
                continue
            buckets = _TEXT.findall((change["where"] or "").partition(";")[0]) or [_ALL]
            is_public = change["public"].lower() not in ("false", "'f'", "'false'")
            made |= dict.fromkeys(made if buckets == [_ALL] else buckets, is_public)
            if is_public:
                opened |= dict.fromkeys(buckets, statement)
            else:
                opened = {} if buckets == [_ALL] else {one: by for one, by in opened.items() if one not in buckets}
    return opened


def _opened_by_insert(text: str, made: dict[str, bool]) -> Iterator[str]:
    """The buckets of an INSERT that were private and are public behind it; `made` learns what each is then."""
    insert = _MADE.fullmatch(text.strip())
    if insert is None:
        return
    columns = [column.strip(' "').lower() for column in insert["columns"].split(",")]
    setting = _SET_PUBLIC.search(insert["set"] or "")
    for row in _ROW.finditer(insert["rows"]):
        values = dict(zip(columns, (value.strip() for value in _VALUE.findall(row["values"])), strict=False))
        name = _TEXT.fullmatch(values.get("id", ""))
        if name is None:
            continue
        is_public = values.get("public", "false").strip("'").lower() in ("true", "t")
        if name[1] in made and setting is not None:
            was, word = made[name[1]], setting["public"].lower()
            made[name[1]] = is_public if word.startswith("excluded") else word == "true"
            if made[name[1]] and not was:
                yield name[1]
        made.setdefault(name[1], is_public)


def _opened_answer(bucket: str, statement: Statement) -> Answer:
    what = "Every bucket" if bucket == _ALL else f"The bucket {bucket}"
    where = "" if bucket == _ALL else f" WHERE id = {literal(bucket)}"
    return Answer(
        Status.BROKEN,
        f"bucket {bucket}",
        f"{what} is made public: whoever has or guesses a file's address fetches it, and no policy is asked.",
        expected="a bucket that stays private",
        actual=" ".join(statement.shown.split()),
        remedy=f"UPDATE storage.buckets SET public = false{where}; and createSignedUrl() for what is to be shared. Or "  # noqa: S608
        "waive it.",
        origin=Origin(file=statement.path, line=statement.line),
        severity=Severity.WARNING,
    )


def _is_reported(tried: BucketTry) -> bool:
    """Whoever is signed in may be meant to read and to add."""
    match tried.operation:
        case "SELECT":
            return tried.public is True or (tried.public is False and tried.actor is ANON)
        case "INSERT":
            return tried.actor is ANON
        case _:
            return True


def _answer(context: Context, bucket: str, tries: Sequence[BucketTry]) -> Answer:
    writes = [one for one in tries if one.operation in ("UPDATE", "DELETE")]
    told = writes or [one for one in tries if one.operation == "INSERT" or one.public is False] or list(tries)
    done = [one for one in told if one.actor == told[0].actor]
    words = " and ".join(_WORDS[one.operation] for one in done)
    summary = f"{described(done[0].actor)} {words} in the bucket {bucket}."
    if not writes and done[0].public and done[0].operation == "SELECT":
        summary = (
            f"The bucket {bucket} is public, so that its files are fetched without a policy; by the one that it has "
            f"{described(done[0].actor)} lists all of them."
        )
    policy = done[0].policies[0]
    return Answer(
        Status.BROKEN,
        f"bucket {bucket}",
        summary,
        expected="files that their owner alone changes",
        actual="; ".join(f"{one.quoted_name}: {one.using or one.check}" for one in done[0].policies),
        remedy=f"ALTER POLICY {policy.quoted_name} ON {OBJECTS} with (storage.foldername(name))[1] = "
        "(SELECT auth.uid())::text in its condition; or DROP POLICY, where nobody is to list them.",
        evidence=[session(one.outcome, one.actor) for one in done],
        origin=origin_in_chain(context.promise, "policy", policy.name),
        severity=None if writes else Severity.WARNING,
    )
