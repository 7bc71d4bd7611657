-- One row for each index of an ordinary or partitioned table outside the system's schemas; PostgreSQL 15 to 18.
-- `entries` is what the last VACUUM or ANALYZE counted, -1 where none has; `toast_pages` and `chunks` are those of the
-- table's TOAST table, 0 where it has none; `parts` are the bare names of a partitioned index and its partitions.
select
    pg_catalog.format('%I.%I', n.nspname, i.relname) as name,
    pg_catalog.format('%I.%I', tn.nspname, t.relname) as "table",
    i.relname as bare_name,
    t.relname as bare_table,
    a.amname as method,
    i.relpages as pages,
    i.reltuples::float8 as entries,
    t.reltuples::float8 as table_rows,
    x.indisvalid as valid,
    array(
        select pg_catalog.pg_get_indexdef(x.indexrelid, k, false)
        from pg_catalog.generate_series(1, x.indnkeyatts) as k
        order by k
    ) as keys,
    pg_catalog.pg_get_expr(x.indpred, x.indrelid, true) as predicate,
    (
        select c.conname from pg_catalog.pg_constraint as c
        where c.conindid = x.indexrelid and c.conrelid = x.indrelid and c.contype in ('p', 'u', 'x')
        order by c.contype limit 1
    ) as "constraint",
    x.indisprimary as "primary",
    coalesce(toast.relpages, 0) as toast_pages,
    coalesce(greatest(toast.reltuples, 0), 0)::float8 as chunks,
    i.oid::int8 as oid,
    array(
        select c.relname::text
        from pg_catalog.pg_partition_tree(i.oid) as part
        join pg_catalog.pg_class as c on c.oid = part.relid
        order by 1
    ) as parts
from pg_catalog.pg_index as x
join pg_catalog.pg_class as i on i.oid = x.indexrelid
join pg_catalog.pg_class as t on t.oid = x.indrelid
join pg_catalog.pg_am as a on a.oid = i.relam
join pg_catalog.pg_namespace as n on n.oid = i.relnamespace
join pg_catalog.pg_namespace as tn on tn.oid = t.relnamespace
left join pg_catalog.pg_class as toast on toast.oid = t.reltoastrelid
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1
