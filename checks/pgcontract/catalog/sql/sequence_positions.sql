-- One row is a sequence that the asking role may read, with its increment and a numeric column that it numbers: one
-- that owns it or asks it by default. Ran on 15, 16, 17 and 18.
select
    n.nspname::text as schema, c.relname::text as sequence, s.seqincrement as increment,
    used.schema as table_schema, used."table", used.column
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_sequence as s on s.seqrelid = c.oid
left join lateral (
    select tn.nspname::text as schema, t.relname::text as "table", a.attname::text as column
    from pg_catalog.pg_depend as d
    left join pg_catalog.pg_attrdef as e
        on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and e.oid = d.objid
    join pg_catalog.pg_attribute as a
        on (a.attrelid, a.attnum) = (e.adrelid, e.adnum)
        or (d.objid = c.oid and d.deptype in ('a', 'i') and (a.attrelid, a.attnum) = (d.refobjid, d.refobjsubid))
    join pg_catalog.pg_type as y on y.oid = a.atttypid and y.typcategory = 'N'
    join pg_catalog.pg_class as t on t.oid = a.attrelid and t.relkind in ('r', 'p')
    join pg_catalog.pg_namespace as tn on tn.oid = t.relnamespace
    where
        (
            d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid
            or d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
        )
        and a.attnum > 0 and not a.attisdropped
        and pg_catalog.has_table_privilege(t.oid, 'select')
    order by a.attrelid, a.attnum limit 1
) as used on true
where
    c.relkind = 'S' and c.oid >= 16384 and n.nspname !~ '^pg_'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
    -- In a CASE, for it is asked of tables too where it comes before the join, and refuses them.
    and case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select') end
order by 1, 2
