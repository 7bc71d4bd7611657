-- One row is a row security policy.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I.%I', n.nspname, c.relname, p.polname) collate "C" as name,
    d.description as comment,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as "table",
    case p.polcmd
        when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all'
    end as command,
    p.polpermissive as permissive,
    case when p.polroles = '{0}' then '{public}' else array(
        select pg_catalog.quote_ident(r.rolname) collate "C" as each from pg_catalog.pg_roles as r where r.oid = any (p.polroles)
        order by each
    ) end as roles,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) as "using",
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as "check"
from pg_catalog.pg_policy as p
join pg_catalog.pg_class as c on c.oid = p.polrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_description as d
    on d.objoid = p.oid and d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objsubid = 0
where
    p.oid >= 16384
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
