-- One row is a sequence with what it would give; how far it has come is not shape.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I', n.nspname, c.relname) collate "C" as name,
    d.description as comment,
    pg_catalog.format_type(s.seqtypid, null) as type,
    s.seqstart as start,
    s.seqincrement as increment,
    s.seqmin as minimum,
    s.seqmax as maximum,
    s.seqcache as cache,
    s.seqcycle as cycle,
    (
        select pg_catalog.format('%I.%I.%I', tn.nspname, tc.relname, ta.attname)
        from pg_catalog.pg_class as tc
        join pg_catalog.pg_namespace as tn on tn.oid = tc.relnamespace
        join pg_catalog.pg_attribute as ta on ta.attrelid = tc.oid and ta.attnum = own.refobjsubid
        where tc.oid = own.refobjid
    ) as owned_by,
    coalesce(own.deptype = 'i', false) as identity,
    case c.relpersistence when 'p' then 'permanent' when 'u' then 'unlogged' else 'temporary' end as persistence,
    c.relowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_sequence as s
join pg_catalog.pg_class as c on c.oid = s.seqrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_depend as own
    on own.objid = c.oid and own.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and own.objsubid = 0
    and own.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and own.refobjsubid > 0 and own.deptype in ('a', 'i')
left join pg_catalog.pg_description as d
    on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0
where
    c.oid >= 16384
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
