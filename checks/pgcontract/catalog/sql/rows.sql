-- One row is a table with storage in use that the asking role may read, with the bytes it takes.
-- Ran on 15, 16, 17 and 18.
with relation as materialized (
    select
        n.nspname::text as schema, c.relname::text as "table", c.oid,
        pg_catalog.format('%I.%I', n.nspname, c.relname) collate "C" as name,
        pg_catalog.pg_relation_size(c.oid) as bytes
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.oid >= 16384 and c.relkind = 'r'
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.oid not in (
            select m.objid from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        )
)
select schema, "table", name, bytes
from relation
where
    bytes > 0
    and pg_catalog.has_schema_privilege(schema, 'usage')
    and pg_catalog.has_table_privilege(oid, 'select')
order by name
