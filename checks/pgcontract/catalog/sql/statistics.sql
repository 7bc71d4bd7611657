-- One row is an extended statistics object.
-- Ran on 15, 16, 17 and 18: no target is -1 up to 16, then null.
select
    pg_catalog.format('%I.%I', n.nspname, s.stxname) collate "C" as name,
    d.description as comment,
    s.stxrelid::pg_catalog.regclass::text as "table",
    array(
        select case each
            when 'd' then 'ndistinct' when 'f' then 'dependencies' when 'm' then 'mcv' else 'expressions'
        end
        from pg_catalog.unnest(s.stxkind) as each order by 1
    ) as kinds,
    pg_catalog.pg_get_statisticsobjdef(s.oid) as definition,
    nullif(s.stxstattarget, -1) as target,
    s.stxowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_statistic_ext as s
join pg_catalog.pg_namespace as n on n.oid = s.stxnamespace
left join pg_catalog.pg_description as d
    on d.objoid = s.oid and d.classoid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass and d.objsubid = 0
where
    s.oid >= 16384
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and s.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
    )
order by name
