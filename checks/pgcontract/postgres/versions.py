"""What differs between PostgreSQL's majors, by name: the major that added it, and how an older server refuses it.

The names of functions, settings, roles and collations were read from the servers themselves (each major's catalog less
the one's before it), the refusals from what 15 to 18 said to them; the rest is each major's release notes.
"""

from __future__ import annotations

import re

from pgcontract.values import dataclass

KNOWN_MAJORS = range(15, 19)
_MAX_BEFORE_CHARS = 2_000


@dataclass(frozen=True, kw_only=True)
class SyntaxPattern:
    """Syntax that an older server rejects: the text right `before` the position it names, and the text `at` it."""

    at: str
    before: str = ""

    def matches(self, text: str, offset: int) -> bool:
        """Whether the text has this syntax at the offset."""
        before = text[max(0, offset - _MAX_BEFORE_CHARS) : offset]
        return bool(
            re.compile(self.at, re.IGNORECASE).match(text, offset)
            and re.search(rf"(?:{self.before})\Z", before, re.IGNORECASE)
        )


@dataclass(frozen=True, kw_only=True)
class VersionFeature:
    """What a major added. An older one refuses its names, answers `message_pattern`, or rejects its `syntax`."""

    name: str
    since: int
    functions: str = ""
    settings: str = ""
    roles: str = ""
    collations: str = ""
    message_pattern: str = ""
    syntax: tuple[SyntaxPattern, ...] = ()

    def in_major(self, major: int) -> bool:
        """Whether a server of this major has it."""
        return major >= self.since


_PARENTHESES = r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
_NAME = r"(?:\"(?:[^\"]|\"\")+\"|\w+)"

NOT_NULL_ROWS = VersionFeature(
    name="NOT NULL as a constraint with a name, in pg_constraint",
    since=18,
    syntax=(
        SyntaxPattern(before=rf"(?:CONSTRAINT\s+{_NAME}|\bADD|[,(])\s*", at=r"NOT\s+NULL\b"),
        SyntaxPattern(before=r"NOT\s+NULL\s+", at=r"NO\s+INHERIT\b"),
    ),
)
VIRTUAL_COLUMNS = VersionFeature(
    name="virtual generated columns",
    since=18,
    syntax=(
        SyntaxPattern(
            before=rf"GENERATED\s+ALWAYS\s+AS\s*{_PARENTHESES}\s*",
            at=r"VIRTUAL\b|[,)]|NOT\b|NULL\b|CHECK\b|UNIQUE\b|CONSTRAINT\b|REFERENCES\b|PRIMARY\b",
        ),
    ),
)
NOT_ENFORCED = VersionFeature(name="NOT ENFORCED", since=18, syntax=(SyntaxPattern(at=r"ENFORCED\b"),))
UUIDV7 = VersionFeature(name="uuidv7()", since=18, functions="uuidv4 uuidv7")
DATA_CHECKSUMS = VersionFeature(name="data checksums by default", since=18)
IO_METHOD = VersionFeature(name="processes of their own for reading", since=18, settings="io_method io_workers")
EXPLAIN_BUFFERS = VersionFeature(
    name="EXPLAIN ANALYZE with buffers unasked, index searches, and rows with decimals", since=18
)
MAINTAIN = VersionFeature(
    name="the privilege MAINTAIN",
    since=17,
    roles="pg_maintain",
    message_pattern=r'unrecognized privilege type "maintain"',
)
BUILTIN_LOCALES = VersionFeature(
    name="locales of PostgreSQL's own",
    since=17,
    collations="pg_c_utf8",
    message_pattern=r"unrecognized (?:collation|locale) provider: builtin",
)
MEMBERSHIP_OPTIONS = VersionFeature(
    name="the options INHERIT and SET of a role's membership",
    since=16,
    syntax=(SyntaxPattern(before=r"\bWITH\s[^;]*", at=r"(?:INHERIT|SET)\s+(?:TRUE|FALSE|OPTION)\b"),),
    settings="createrole_self_grant",
)
VIEW_COLUMNS = VersionFeature(name="definitions of views that leave out what table a column is of", since=16)

VERSION_FEATURES = (
    *(NOT_NULL_ROWS, VIRTUAL_COLUMNS, NOT_ENFORCED, UUIDV7, DATA_CHECKSUMS, IO_METHOD, EXPLAIN_BUFFERS),
    *(MAINTAIN, BUILTIN_LOCALES, MEMBERSHIP_OPTIONS, VIEW_COLUMNS),
    VersionFeature(
        name="keys over time (WITHOUT OVERLAPS, PERIOD)",
        since=18,
        syntax=(SyntaxPattern(at=r"WITHOUT\s+OVERLAPS\b"), SyntaxPattern(before=r"[(,]\s*PERIOD\s+", at=r"[\w\"]")),
    ),
    VersionFeature(
        name="OLD and NEW in RETURNING",
        since=18,
        syntax=(
            SyntaxPattern(before=r"\bRETURNING\b[^;]*", at=r"(?:old|new)\s*\."),
            SyntaxPattern(before=r"\bRETURNING\s+", at="WITH\\b"),
        ),
    ),
    VersionFeature(name="REJECT_LIMIT of COPY", since=18, message_pattern=r'option "reject_limit" not recognized'),
    VersionFeature(name="the collation pg_unicode_fast", since=18, collations="pg_unicode_fast"),
    VersionFeature(
        name="functions of 18",
        since=18,
        functions="""
            array_reverse array_sort casefold crc32 crc32c gamma lgamma has_largeobject_privilege pg_get_acl
            pg_clear_attribute_stats pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats
            pg_get_aios pg_get_loaded_modules pg_get_sequence_data pg_numa_available pg_stat_get_backend_io
            pg_stat_get_backend_wal pg_stat_reset_backend_stats
        """,
        message_pattern=r"function reverse\(bytea\) does not exist",
    ),
    VersionFeature(
        name="settings and roles of 18",
        since=18,
        settings="""
            autovacuum_vacuum_max_threshold autovacuum_worker_slots enable_distinct_reordering
            enable_self_join_elimination extension_control_path file_copy_method idle_replication_slot_timeout
            io_max_combine_limit io_max_concurrency log_lock_failures max_active_replication_origins
            md5_password_warnings oauth_validator_libraries ssl_groups ssl_tls13_ciphers track_cost_delay_timing
            vacuum_max_eager_freeze_failure_rate vacuum_truncate
        """,
        roles="pg_signal_autovacuum_worker",
    ),
    VersionFeature(
        name="SQL/JSON's queries (JSON_TABLE, JSON_VALUE, JSON_QUERY, JSON_EXISTS)",
        since=17,
        functions="json_value json_query json_exists json_scalar json_serialize",
        syntax=(
            SyntaxPattern(before=r"\bJSON_TABLE\s*\([^;]*", at=r"COLUMNS\b|PASSING\b|AS\b"),
            SyntaxPattern(
                before=r"\bJSON_(?:VALUE|QUERY|EXISTS|SCALAR|SERIALIZE)\s*\([^;]*",
                at=r"RETURNING\b|PASSING\b|DEFAULT\b|NULL\b|ERROR\b|EMPTY\b|WITH\b|WITHOUT\b|KEEP\b|OMIT\b|TRUE\b|FALSE\b",
            ),
        ),
    ),
    VersionFeature(
        name="RETURNING and NOT MATCHED BY SOURCE of MERGE",
        since=17,
        syntax=(
            SyntaxPattern(before=r"\bMERGE\b[^;]*", at=r"RETURNING\b"),
            SyntaxPattern(before=r"\bNOT\s+MATCHED\s+", at=r"BY\s+(?:SOURCE|TARGET)\b"),
        ),
    ),
    VersionFeature(name="AT LOCAL", since=17, syntax=(SyntaxPattern(before=r"\bAT\s+", at=r"LOCAL\b"),)),
    VersionFeature(
        name="SET EXPRESSION of a generated column",
        since=17,
        syntax=(SyntaxPattern(before=r"\bSET\s+", at=r"EXPRESSION\b"),),
    ),
    VersionFeature(
        name="ON_ERROR and LOG_VERBOSITY of COPY",
        since=17,
        message_pattern=r'option "(?:on_error|log_verbosity)" not recognized',
    ),
    VersionFeature(
        name="exclusion constraints on partitioned tables",
        since=17,
        message_pattern=r"exclusion constraints are not supported on partitioned tables",
    ),
    VersionFeature(name="event triggers on login", since=17, message_pattern=r'unrecognized event name "login"'),
    VersionFeature(
        name="infinite intervals", since=17, message_pattern=r'invalid input syntax for type interval: "[+-]?infinity"'
    ),
    VersionFeature(
        name="SERIALIZE and MEMORY of EXPLAIN",
        since=17,
        message_pattern=r'unrecognized EXPLAIN option "(?:serialize|memory)"',
    ),
    VersionFeature(
        name="functions of 17",
        since=17,
        functions="""
            icu_unicode_version jsonb_populate_record_valid pg_available_wal_summaries pg_basetype
            pg_column_toast_chunk_id pg_get_wait_events pg_get_wal_summarizer_state pg_sync_replication_slots
            pg_wal_summary_contents to_bin to_oct to_regtypemod unicode_assigned unicode_version
            uuid_extract_timestamp uuid_extract_version xmltext
        """,
        message_pattern=r"function random\([^()]+\) does not exist",
    ),
    VersionFeature(
        name="settings of 17",
        since=17,
        settings="""
            allow_alter_system commit_timestamp_buffers enable_group_by_reordering event_triggers huge_pages_status
            io_combine_limit max_notify_queue_pages multixact_member_buffers multixact_offset_buffers notify_buffers
            serializable_buffers subtransaction_buffers summarize_wal sync_replication_slots
            synchronized_standby_slots trace_connection_negotiation transaction_buffers transaction_timeout
            wal_summary_keep_time
        """,
    ),
    VersionFeature(
        name="SQL/JSON's constructors and IS JSON",
        since=16,
        functions="json_array json_arrayagg json_object json_objectagg",
        syntax=(
            SyntaxPattern(before=r"\bIS\s+(?:NOT\s+)?", at=r"JSON\b"),
            SyntaxPattern(
                before=r"\bJSON_(?:OBJECT|ARRAY)(?:AGG)?\s*\([^;]*",
                at=r":|VALUE\b|ABSENT\b|NULL\b|RETURNING\b|WITH\b|WITHOUT\b|ORDER\b",
            ),
        ),
    ),
    VersionFeature(name="STORAGE in CREATE TABLE", since=16, syntax=(SyntaxPattern(at=r"STORAGE\s+\w"),)),
    VersionFeature(
        name="numbers like 0x1F and 1_000",
        since=16,
        message_pattern=r'trailing junk after numeric literal at or near "(?:0[xXoObB]|\d+_\d).*',
    ),
    VersionFeature(
        name="subqueries in FROM without an alias",
        since=16,
        message_pattern=r"(?:subquery|VALUES) in FROM must have an alias",
    ),
    VersionFeature(
        name="CREATE STATISTICS without a name",
        since=16,
        syntax=(SyntaxPattern(before=r"\bCREATE\s+STATISTICS\s+(?:\([^)]*\)\s*)?", at=r"ON\b|\("),),
    ),
    VersionFeature(name="DEFAULT of COPY", since=16, message_pattern=r'option "default" not recognized'),
    VersionFeature(
        name="GENERIC_PLAN of EXPLAIN", since=16, message_pattern=r'unrecognized EXPLAIN option "generic_plan"'
    ),
    VersionFeature(
        name="BUFFER_USAGE_LIMIT of VACUUM and ANALYZE",
        since=16,
        message_pattern=r'unrecognized (?:VACUUM|ANALYZE) option "buffer_usage_limit"',
    ),
    VersionFeature(name="the collation unicode", since=16, collations="unicode"),
    VersionFeature(
        name="functions of 16",
        since=16,
        functions="""
            any_value array_sample array_shuffle date_add date_subtract erf erfc pg_input_error_info pg_input_is_valid
            pg_log_standby_snapshot pg_split_walfile_name pg_stat_get_io random_normal system_user
        """,
    ),
    VersionFeature(
        name="settings and roles of 16",
        since=16,
        settings="""
            debug_parallel_query enable_presorted_aggregate file_extend_method gss_accept_delegation
            icu_validation_level max_parallel_apply_workers_per_subscription reserved_connections scram_iterations
            send_abort_for_crash send_abort_for_kill vacuum_buffer_usage_limit
        """,
        roles="pg_create_subscription pg_use_reserved_connections",
    ),
)

# SQLSTATE and message to the field of VersionFeature in which the name in it is looked up.
_NAME_PATTERNS = (
    ("42883", re.compile(r"function (?:pg_catalog\.)?(?P<name>\w+)\("), "functions"),
    ("42704", re.compile(r'unrecognized configuration parameter "(?P<name>\w+)"'), "settings"),
    ("42704", re.compile(r'role "(?P<name>pg_\w+)" does not exist'), "roles"),
    ("42704", re.compile(r'collation "(?P<name>\w+)" for encoding'), "collations"),
)
_SYNTAX_SQLSTATES = ("42601", "42P01")


def find_newer_feature(
    major: int, *, sqlstate: str, message: str, text: str, offset: int | None
) -> tuple[str, VersionFeature] | None:
    """The newer feature that a server of this major refused, in words ("uuidv7()"), with its entry; else None.

    `offset` is the place in `text` that the server named, from 0; None where it named none.
    """
    newer_features = [novelty for novelty in VERSION_FEATURES if not novelty.in_major(major)]
    for state, words, field in _NAME_PATTERNS:
        match = words.match(message) if state == sqlstate else None
        for novelty in newer_features if match else ():
            if match and match["name"].lower() in getattr(novelty, field).split():
                return (f"{match['name']}()" if field == "functions" else match["name"]), novelty
    for novelty in newer_features:
        if novelty.message_pattern and re.fullmatch(novelty.message_pattern, message):
            return novelty.name, novelty
        if (
            offset is not None
            and sqlstate in _SYNTAX_SQLSTATES
            and any(form.matches(text, offset) for form in novelty.syntax)
        ):
            return novelty.name, novelty
    return None
