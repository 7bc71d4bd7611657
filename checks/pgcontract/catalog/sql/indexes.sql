-- One row is an index of a table or materialized view. A key is its column or expression, then what is not the
-- default of its type: collation, operator class with parameters, direction, nulls.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I', n.nspname, ic.relname) collate "C" as name,
    d.description as comment,
    pg_catalog.format('%I.%I', tn.nspname, tc.relname) as "table",
    am.amname as method,
    k.keys,
    k.include,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
    i.indisunique as "unique",
    i.indnullsnotdistinct as nulls_not_distinct,
    i.indisvalid as valid,
    i.indisclustered as clustered,
    i.indisreplident as replica_identity,
    case when ic.reloptions is null then '{}' else array(
        select each from pg_catalog.unnest(ic.reloptions) as each order by each collate "C"
    ) end as options,
    pg_catalog.quote_ident(ts.spcname) as tablespace,
    case con.contype when 'p' then 'primary key ' when 'u' then 'unique ' else 'exclude ' end
        || pg_catalog.format('%I.%I.', tn.nspname, tc.relname) || pg_catalog.quote_ident(con.conname) as "constraint",
    case when ic.relispartition then (
        select h.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits as h where h.inhrelid = ic.oid
    ) end as partition_of
from pg_catalog.pg_index as i
join pg_catalog.pg_class as ic on ic.oid = i.indexrelid
join pg_catalog.pg_namespace as n on n.oid = ic.relnamespace
join pg_catalog.pg_class as tc on tc.oid = i.indrelid
join pg_catalog.pg_namespace as tn on tn.oid = tc.relnamespace
join pg_catalog.pg_am as am on am.oid = ic.relam
cross join lateral (
    select
        coalesce(pg_catalog.array_agg(pg_catalog.concat(
            case when key.attnum = 0 then pg_catalog.pg_get_indexdef(i.indexrelid, key.n::int, false)
                else pg_catalog.quote_ident(a.attname) end,
            case when i.indcollation[key.n - 1] <> coalesce(a.attcollation, ty.typcollation)
                then ' COLLATE ' || i.indcollation[key.n - 1]::pg_catalog.regcollation::text end,
            case when not op.opcdefault or ia.attoptions is not null or (
                op.opcintype <> ia.atttypid and op.opcintype = 'pg_catalog.bpchar'::pg_catalog.regtype
            ) then pg_catalog.format(
                case op.opcnamespace when 'pg_catalog'::pg_catalog.regnamespace then ' %2$I' else ' %1$s.%2$I' end,
                op.opcnamespace::pg_catalog.regnamespace, op.opcname
            ) end,
            ' (' || pg_catalog.array_to_string(ia.attoptions, ', ') || ')',
            case i.indoption[key.n - 1] & 3
                when 1 then ' DESC NULLS LAST' when 2 then ' NULLS FIRST' when 3 then ' DESC' end
        ) order by key.n) filter (where key.n <= i.indnkeyatts), '{}') as keys,
        coalesce(pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) order by key.n)
            filter (where key.n > i.indnkeyatts), '{}') as include
    from pg_catalog.unnest(i.indkey::int2[]) with ordinality as key (attnum, n)
    left join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum and key.attnum <> 0
    left join pg_catalog.pg_attribute as ia on ia.attrelid = i.indexrelid and ia.attnum = key.n
    left join pg_catalog.pg_type as ty on ty.oid = ia.atttypid
    left join pg_catalog.pg_opclass as op on op.oid = i.indclass[key.n - 1]
) as k
left join pg_catalog.pg_tablespace as ts on ts.oid = ic.reltablespace
left join pg_catalog.pg_constraint as con
    on con.conindid = i.indexrelid and con.conrelid = i.indrelid and con.contype in ('p', 'u', 'x')
left join pg_catalog.pg_description as d
    on d.objoid = ic.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
where
    n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and i.indrelid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
