-- One row is what ALTER DEFAULT PRIVILEGES gives one grantee. Without a schema only what differs from PostgreSQL's
-- own defaults has a row: no privileges in it means that they were revoked.
-- Ran on 15, 16, 17 and 18: large objects (`L`) came with 18.
select
    pg_catalog.format(
        case when a.defaclnamespace = 0 then '%1$s on %3$s to %4$s' else '%1$s in %2$s on %3$s to %4$s' end,
        pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.defaclrole)),
        nullif(a.defaclnamespace, 0)::pg_catalog.regnamespace::text,
        case a.defaclobjtype
            when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
            when 'n' then 'schemas' else 'large objects'
        end,
        case x.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end
    ) collate "C" as name,
    coalesce(pg_catalog.array_agg(x.word order by x.word) filter (where x.given), '{}') as privileges
from pg_catalog.pg_default_acl as a
cross join lateral (
    select
        e.grantee,
        e.given,
        pg_catalog.lower(e.privilege_type) || case when e.is_grantable then ' with grant option' else '' end as word
    from (
        select g.grantee, g.privilege_type, g.is_grantable, true as given from pg_catalog.aclexplode(a.defaclacl) as g
        union all
        select o.grantee, o.privilege_type, o.is_grantable, false from pg_catalog.aclexplode(
            pg_catalog.acldefault(case a.defaclobjtype when 'S' then 's' else a.defaclobjtype end, a.defaclrole)
        ) as o
        where a.defaclnamespace = 0
    ) as e
) as x
group by a.oid, a.defaclrole, a.defaclnamespace, a.defaclobjtype, x.grantee
having
    a.defaclnamespace <> 0
    or pg_catalog.array_agg(x.word order by x.word) filter (where x.given)
        is distinct from pg_catalog.array_agg(x.word order by x.word) filter (where not x.given)
order by name
