-- One row is an extension. Its version is the server's to choose and is left out.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.quote_ident(e.extname) collate "C" as name,
    d.description as comment,
    pg_catalog.quote_ident(n.nspname) as schema
from pg_catalog.pg_extension as e
join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
left join pg_catalog.pg_description as d
    on d.objoid = e.oid and d.classoid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.objsubid = 0
order by name
