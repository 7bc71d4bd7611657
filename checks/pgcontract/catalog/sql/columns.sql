-- One row is a live column of a table, partitioned or foreign table, view or materialized view. What is the type's
-- own (collation, storage) or the server's (compression, statistics target) is null; positions have no gaps.
-- Ran on 15, 16, 17 and 18: virtual generated columns (`v`) came with 18; no statistics target is -1 up to 16, then null;
-- Debian's 15.20 keeps a number of its own, pg_attver, among the options of every column.
with relation as materialized (
    select c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.oid >= 16384 and c.relkind in ('r', 'p', 'f', 'v', 'm')
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.oid not in (
            select m.objid from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        )
)
select
    (r.name || '.' || pg_catalog.quote_ident(a.attname)) collate "C" as name,
    d.description as comment,
    r.name as "table",
    case when a.attrelid in (select gap.attrelid from pg_catalog.pg_attribute as gap where gap.attisdropped) then a.attnum - (
        select pg_catalog.count(*) from pg_catalog.pg_attribute as gap
        where gap.attrelid = a.attrelid and gap.attnum between 1 and a.attnum and gap.attisdropped
    ) else a.attnum end as position,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    not a.attnotnull as "null",
    pg_catalog.pg_get_expr(def.adbin, def.adrelid) as "default",
    case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end as generated,
    case a.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity,
    case when a.attcollation <> t.typcollation then a.attcollation::pg_catalog.regcollation::text end as collation,
    case when a.attstorage <> t.typstorage then
        case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
    end as storage,
    case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
    nullif(a.attstattarget, -1) as statistics,
    case when a.attoptions is null and a.attfdwoptions is null then '{}' else array(
        select each from pg_catalog.unnest(a.attoptions || a.attfdwoptions) as each
        where each !~ '^pg_attver=' order by each collate "C"
    ) end as options
from relation as r
join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type as t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef as def on def.adrelid = a.attrelid and def.adnum = a.attnum and a.atthasdef
left join pg_catalog.pg_description as d
    on d.objoid = a.attrelid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = a.attnum
order by name
