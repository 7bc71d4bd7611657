"""Which of many texts a type takes: asked in one round trip."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import psycopg

_FUNCTION: Final = """
    CREATE OR REPLACE FUNCTION pg_temp.pgcontract_castable(
        pgcontract_texts pg_catalog.text[], pgcontract_type pg_catalog.text
    )
    RETURNS SETOF pg_catalog.text LANGUAGE plpgsql AS $pgcontract$
    DECLARE
        pgcontract_text pg_catalog.text;
    BEGIN
        FOREACH pgcontract_text IN ARRAY pgcontract_texts LOOP
            BEGIN
                EXECUTE pg_catalog.format('SELECT CAST(%L AS %s)', pgcontract_text, pgcontract_type);
                RETURN NEXT pgcontract_text;
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
        END LOOP;
    END
    $pgcontract$
"""


def castable_values(connection: psycopg.Connection, type_name: str, texts: Iterable[str]) -> list[str]:
    """The texts that can be cast to the type, in their order; type_name as format_type spells it."""
    connection.execute(_FUNCTION)
    sendable = [text for text in texts if "\0" not in text]
    query = "SELECT * FROM pg_temp.pgcontract_castable(%s::pg_catalog.text[], %s)"
    return [text for (text,) in connection.execute(query, [sendable, type_name]).fetchall()]
