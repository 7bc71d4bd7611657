-- One row is an index of a table or materialized view. A key is its column or expression, then what is not the
-- default of its type: collation, operator class with parameters, direction, nulls.
-- Ran on 15, 16, 17 and 18.
with relation as materialized (
    select
        c.oid, pg_catalog.quote_ident(n.nspname) as schema, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.oid >= 16384 and c.relkind in ('r', 'p', 'm')
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.oid not in (
            select m.objid from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        )
),
key as (
    select
        i.indexrelid, key.n, key.n > i.indnkeyatts as included,
        case key.attnum when 0 then pg_catalog.pg_get_indexdef(i.indexrelid, key.n::int, false)
            else pg_catalog.quote_ident(a.attname) end as term,
        case when key.n <= i.indnkeyatts then pg_catalog.concat(
            -- Of an expression only the type's own collation can be told here.
            case when key.coll <> case key.attnum when 0 then (
                select t.typcollation from pg_catalog.pg_attribute as own
                join pg_catalog.pg_type as t on t.oid = own.atttypid
                where own.attrelid = i.indexrelid and own.attnum = key.n
            ) else a.attcollation end then ' COLLATE ' || key.coll::pg_catalog.regcollation::text end,
            -- bpchar_ops is a default too, but not on the text and varchar that it takes as well.
            case when not op.opcdefault or (op.opcintype = 1042 and a.atttypid in (25, 1043)) then pg_catalog.format(
                case op.opcnamespace when 11 then ' %2$I' else ' %1$s.%2$I' end,
                op.opcnamespace::pg_catalog.regnamespace, op.opcname
            ) end,
            case when op.opcmethod <> 403 then (
                select pg_catalog.concat(
                    case when op.opcdefault then ' ' || pg_catalog.quote_ident(op.opcname) end,
                    ' (' || pg_catalog.array_to_string(own.attoptions, ', ') || ')'
                )
                from pg_catalog.pg_attribute as own
                where own.attrelid = i.indexrelid and own.attnum = key.n and own.attoptions is not null
            ) end,
            case key.option & 3 when 1 then ' DESC NULLS LAST' when 2 then ' NULLS FIRST' when 3 then ' DESC' end
        ) end as manner
    from relation as r
    join pg_catalog.pg_index as i on i.indrelid = r.oid
    cross join lateral unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
        with ordinality as key (attnum, class, coll, option, n)
    left join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum
    left join pg_catalog.pg_opclass as op on op.oid = key.class
),
keys as (
    select
        indexrelid,
        coalesce(pg_catalog.array_agg(term || manner order by n) filter (where not included), '{}') as keys,
        coalesce(pg_catalog.array_agg(term order by n) filter (where included), '{}') as include
    from key
    group by indexrelid
)
select
    (r.schema || '.' || pg_catalog.quote_ident(c.relname)) collate "C" as name,
    d.description as comment,
    r.name as "table",
    am.amname::text as method,
    k.keys,
    k.include,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
    i.indisunique as "unique",
    i.indnullsnotdistinct as nulls_not_distinct,
    i.indisvalid as valid,
    i.indisclustered as clustered,
    i.indisreplident as replica_identity,
    case when c.reloptions is null then '{}' else array(
        select each from pg_catalog.unnest(c.reloptions) as each order by each collate "C"
    ) end as options,
    pg_catalog.quote_ident(ts.spcname) as tablespace,
    case when i.indisunique or i.indisexclusion then (
        select
            case con.contype when 'p' then 'primary key ' when 'u' then 'unique ' else 'exclude ' end
            || r.name || '.' || pg_catalog.quote_ident(con.conname)
        from pg_catalog.pg_constraint as con
        where con.conrelid = i.indrelid and con.conindid = i.indexrelid and con.contype in ('p', 'u', 'x')
    ) end as "constraint",
    case when c.relispartition then (
        select h.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits as h where h.inhrelid = c.oid
    ) end as partition_of
from relation as r
join pg_catalog.pg_index as i on i.indrelid = r.oid
join keys as k on k.indexrelid = i.indexrelid
join pg_catalog.pg_class as c on c.oid = i.indexrelid
join pg_catalog.pg_am as am on am.oid = c.relam
left join pg_catalog.pg_tablespace as ts on ts.oid = c.reltablespace
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
order by name
