"""What a migration's text says, before any server is asked: its statements, their places, what they create."""

from __future__ import annotations

from pgcontract.model.sql.commands import opens_as_sql, psql_command
from pgcontract.model.sql.execution import Execution, TransactionScope
from pgcontract.model.sql.inventory import Inventory, inventory
from pgcontract.model.sql.lexer import code
from pgcontract.model.sql.passages import Passage, Place
from pgcontract.model.sql.placeholders import Placeholder, fill, mask_values
from pgcontract.model.sql.psql import PsqlReading, read_psql
from pgcontract.model.sql.psql_commands import SkippedText, UnsetVariable
from pgcontract.model.sql.restoring import may_be_passed_over, restore_goes_on
from pgcontract.model.sql.script import (
    MAX_PARSED_BYTES,
    Script,
    as_written,
    keep_only,
    make_script,
    messages,
    place,
    read_script,
    split_statements,
    statements_between,
)
from pgcontract.model.sql.script_comments import ScriptComment, script_comments
from pgcontract.model.sql.secret_texts import WrittenSecret, written_secrets
from pgcontract.model.sql.source import Source, make_source, read_source, read_text, require_sql, require_sql_text
from pgcontract.model.sql.statement import Statement
from pgcontract.model.sql.statement_digest import digest_of_script, digest_of_statements
from pgcontract.model.sql.text_catalog import Created
from pgcontract.model.sql.uncommitted import Uncommitted, last_uncommitted
