-- One row is a view or a materialized view.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I', n.nspname, c.relname) collate "C" as name,
    d.description as comment,
    pg_catalog.pg_get_viewdef(c.oid) as definition,
    c.relkind = 'm' as materialized,
    c.relispopulated as populated,
    case when c.reloptions is null then '{}' else array(
        select each from pg_catalog.unnest(c.reloptions) as each order by each collate "C"
    ) end as options,
    c.relowner::pg_catalog.regrole::text as owner,
    nullif(am.amname, 'heap') as access_method,
    pg_catalog.quote_ident(ts.spcname) as tablespace
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_am as am on am.oid = c.relam
left join pg_catalog.pg_tablespace as ts on ts.oid = c.reltablespace
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
where
    c.oid >= 16384 and c.relkind in ('v', 'm')
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
