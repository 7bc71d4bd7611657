-- One row is a table or view as information_schema shows it to the asking role.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%%I.%%I', t.table_schema, t.table_name) collate "C" as name,
    t.table_type::text as type
from information_schema.tables as t
where pg_catalog.quote_ident(t.table_schema) = any (%s::pg_catalog.text[])
order by name
