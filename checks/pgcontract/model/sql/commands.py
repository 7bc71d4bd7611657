"""The first words of the commands of PostgreSQL and of psql."""

from __future__ import annotations

from typing import Final

_COMMANDS: Final = """
    ABORT ALTER ANALYSE ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE
    DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN
    REFRESH REINDEX RELEASE REPACK RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE UNLISTEN
    UPDATE VACUUM VALUES WAIT WITH
"""
_PSQL_COMMANDS: Final = """
    . a bind c cd connect conninfo copy copyright crosstabview d dt dn du df e echo ef elif else encoding endif errverbose
    ev f g gdesc getenv gexec gset gx h help H html i if include include_relative ir l lo_export lo_import lo_list
    lo_unlink o out p password print prompt pset q qecho quit r reset restrict s set setenv sf sv t T timing unrestrict
    unset w warn watch write x z
"""

# The grammar's `stmt` (gram.y of 15 to 19), by the word that each branch opens with; a query may open with "(" too.
COMMANDS: Final = frozenset(_COMMANDS.split())
# psql's manual page, "Meta-Commands", without the backslash; of those that list objects (\d…) only a few.
PSQL_COMMANDS: Final = frozenset(_PSQL_COMMANDS.split())
