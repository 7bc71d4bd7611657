-- One row is a table, partitioned table or foreign table. Options are the table's, its toast table's (`toast.x=1`)
-- and a foreign table's, sorted: the order in which they were set says nothing.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I', n.nspname, c.relname) collate "C" as name,
    d.description as comment,
    case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' else 'foreign table' end as form,
    case c.relpersistence when 'p' then 'permanent' when 'u' then 'unlogged' else 'temporary' end as persistence,
    nullif(am.amname, 'heap') as access_method,
    case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key,
    case when c.relispartition then (
        select i.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits as i where i.inhrelid = c.oid
    ) end as partition_of,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_bound,
    case when c.relispartition then '{}' else array(
        select i.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits as i
        where i.inhrelid = c.oid
        order by i.inhseqno
    ) end as inherits,
    nullif(c.reloftype, 0)::pg_catalog.regtype::text as of_type,
    case when c.reloptions is null and toast.reloptions is null and f.ftoptions is null then '{}' else array(
        select each collate "C" from pg_catalog.unnest(c.reloptions || f.ftoptions) as each
        union all
        select 'toast.' || each from pg_catalog.unnest(toast.reloptions) as each
        order by 1
    ) end as options,
    case c.relreplident
        when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full' else 'index'
    end as replica_identity,
    c.relrowsecurity as row_security,
    c.relforcerowsecurity as force_row_security,
    c.relowner::pg_catalog.regrole::text as owner,
    pg_catalog.quote_ident(ts.spcname) as tablespace,
    pg_catalog.quote_ident(srv.srvname) as server
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_am as am on am.oid = c.relam
left join pg_catalog.pg_class as toast on toast.oid = c.reltoastrelid
left join pg_catalog.pg_tablespace as ts on ts.oid = c.reltablespace
left join pg_catalog.pg_foreign_table as f on f.ftrelid = c.oid
left join pg_catalog.pg_foreign_server as srv on srv.oid = f.ftserver
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
where
    c.oid >= 16384 and c.relkind in ('r', 'p', 'f')
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
