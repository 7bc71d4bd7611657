-- One row is a table whose rows the asking role may read, partitions under the table at their top, with the columns
-- that rows are compared by, the bytes that its rows take, its primary key, and the columns that foreign keys refer to.
-- Left out are an extension's tables, and partitioned tables with rows on another server.
-- Ran on 15, 16, 17 and 18.
with relation as materialized (
    select c.oid, n.nspname::text as schema, c.relname::text as "table", c.relkind
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.relkind in ('r', 'p') and not c.relispartition and c.oid >= 16384
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_table_privilege(c.oid, 'select')
        and not exists (
            select from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and m.objid = c.oid
        )
)
select
    r.oid::int8, r.schema, r."table", r.relkind = 'p' as partitioned,
    case when r.relkind = 'r' then pg_catalog.pg_relation_size(r.oid) else (
        select coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(t.relid)), 0)::int8
        from pg_catalog.pg_partition_tree(r.oid) as t
    ) end as bytes,
    array(
        select a.attname::text from pg_catalog.pg_attribute as a
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as columns,
    -- Of numeric, or of a domain over it: 1.50 is 1.5 there.
    array(
        select a.attname::text from pg_catalog.pg_attribute as a
        join pg_catalog.pg_type as t on t.oid = a.atttypid
        where
            a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
            and 'pg_catalog.numeric'::pg_catalog.regtype in (t.oid, t.typbasetype)
    ) as numerics,
    array(
        select a.attname::text from pg_catalog.pg_index as i
        join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = r.oid and i.indisprimary order by a.attnum
    ) as key,
    array(
        select a.attname::text from pg_catalog.pg_attribute as a
        where a.attrelid = r.oid and exists (
            select from pg_catalog.pg_constraint as f
            where f.contype = 'f' and f.confrelid = r.oid and a.attnum = any(f.confkey)
        )
    ) as referenced
from relation as r
where r.relkind = 'r' or not exists (
    select from pg_catalog.pg_partition_tree(r.oid) as t
    join pg_catalog.pg_class as c on c.oid = t.relid where c.relkind = 'f'
)
order by r.schema collate "C", r."table" collate "C"
