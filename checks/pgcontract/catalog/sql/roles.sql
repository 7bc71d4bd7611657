-- One row is a role of the cluster that is not PostgreSQL's own. `member_of` tells of each membership what differs
-- from a plain GRANT; that by which CREATE ROLE lets its maker administer it, the server's own doing, is left out.
-- Ran on 15, 16, 17 and 18: memberships have INHERIT and SET options since 16.
select
    pg_catalog.quote_ident(r.rolname) collate "C" as name,
    d.description as comment,
    pg_catalog.array_remove(array[
        case when r.rolsuper then 'superuser' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolcreaterole then 'createrole' end,
        case when not r.rolinherit then 'noinherit' end,
        case when r.rolcanlogin then 'login' end,
        case when r.rolreplication then 'replication' end,
        case when r.rolbypassrls then 'bypassrls' end,
        'connection limit ' || nullif(r.rolconnlimit, -1),
        'valid until ' || r.rolvaliduntil
    ], null) as attributes,
    array(
        select pg_catalog.concat(
            pg_catalog.quote_ident(g.rolname),
            case when m.admin_option then ' with admin option' end,
            case when not m.inherits then ' without inherit' end,
            case when not m.sets then ' without set' end
        ) collate "C" as each
        from (select true as inherit_option, true as set_option) as before_16
        cross join lateral (
            select *, inherit_option as inherits, set_option as sets from pg_catalog.pg_auth_members
        ) as m
        join pg_catalog.pg_roles as g on g.oid = m.roleid
        where m.member = r.oid and not (m.grantor = 10 and m.admin_option and not m.inherits and not m.sets)
        order by each
    ) as member_of
from pg_catalog.pg_roles as r
left join pg_catalog.pg_shdescription as d
    on d.objoid = r.oid and d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
where r.rolname !~ '^pg_'
order by name
