-- One row is a column as information_schema shows it to the asking role, in the table's order.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%%I.%%I', c.table_schema, c.table_name) collate "C" as "table",
    pg_catalog.quote_ident(c.column_name) as name,
    c.ordinal_position::int as ordinal_position,
    c.data_type::text as data_type,
    c.character_maximum_length::int as character_maximum_length,
    c.is_nullable::text as is_nullable,
    c.column_default::text as column_default
from information_schema.columns as c
where pg_catalog.quote_ident(c.table_schema) = any (%s::pg_catalog.text[])
order by 1, 3
