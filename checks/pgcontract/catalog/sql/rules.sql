-- One row is a rewrite rule; the rule that a view is made of is the view's definition and left out.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I.%I', n.nspname, c.relname, r.rulename) collate "C" as name,
    d.description as comment,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as "table",
    pg_catalog.pg_get_ruledef(r.oid) as definition,
    case r.ev_enabled
        when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always'
    end as enabled
from pg_catalog.pg_rewrite as r
join pg_catalog.pg_class as c on c.oid = r.ev_class
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_description as d
    on d.objoid = r.oid and d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objsubid = 0
where
    r.oid >= 16384
    and not (r.rulename = '_RETURN' and r.ev_type = '1' and c.relkind in ('v', 'm'))
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
