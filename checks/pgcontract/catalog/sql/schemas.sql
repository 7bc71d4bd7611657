-- One row is a schema that is neither the system's own nor an extension's.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.quote_ident(n.nspname) collate "C" as name,
    d.description as comment,
    n.nspowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_namespace as n
left join pg_catalog.pg_description as d
    on d.objoid = n.oid and d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objsubid = 0
where
    n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and n.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    )
order by name
