-- One row is what one grantee may do to one object, beside what default privileges give on a new one. An owner has
-- a row only where it has not all the privileges that an owner starts with, or more.
-- A parameter's owner is the role that initdb made, whose oid is 10.
-- `implied` follows get_user_default_acl(): the owner's default privileges, else PostgreSQL's own, and those in the
-- schema besides. Objects with the same owner, schema and list of privileges are worked out once.
-- Ran on 15, 16, 17 and 18: MAINTAIN came with 17.
with member as (
    select m.classid, m.objid from pg_catalog.pg_depend as m
    where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
),
schema as (
    select n.oid, n.nspname, n.nspowner, n.nspacl from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
),
-- `code` is acldefault()'s; pg_default_acl's is the same but for sequences, s against S.
object as (
    select
        case when c.relkind in ('r', 'p', 'f') then 'table ' when c.relkind = 'S' then 'sequence ' else 'view ' end
            || pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
        case c.relkind when 'S' then 's' else 'r' end::"char" as code, c.relowner as owner, n.oid as schema, c.relacl as acl
    from pg_catalog.pg_class as c join schema as n on n.oid = c.relnamespace
    where c.oid >= 16384 and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
        and c.oid not in (select objid from member where classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    union all
    select 'function ' || p.oid::pg_catalog.regprocedure::text, 'f', p.proowner, n.oid, p.proacl
    from pg_catalog.pg_proc as p join schema as n on n.oid = p.pronamespace
    where p.oid >= 16384 and p.oid not in (select objid from member where classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
        and p.oid not in (
            select i.objid from pg_catalog.pg_depend as i
            where i.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and i.deptype = 'i'
                and i.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
        )
    union all
    select 'type ' || pg_catalog.format('%I.%I', n.nspname, t.typname), 'T', t.typowner, n.oid, t.typacl
    from pg_catalog.pg_type as t join schema as n on n.oid = t.typnamespace
    where t.oid >= 16384 and (t.typtype in ('e', 'r', 'd') or (t.typtype = 'b' and t.typcategory <> 'A')
            or (t.typtype = 'c' and exists (select from pg_catalog.pg_class as k where k.oid = t.typrelid and k.relkind = 'c')))
        and t.oid not in (select objid from member where classid = 'pg_catalog.pg_type'::pg_catalog.regclass)
    union all
    select 'schema ' || pg_catalog.quote_ident(n.nspname), 'n', n.nspowner, 0, n.nspacl
    from schema as n
    where n.oid not in (select objid from member where classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)
    union all
    select 'database', 'd', db.datdba, 0, db.datacl
    from pg_catalog.pg_database as db where db.datname = pg_catalog.current_database()
    union all
    select 'foreign server ' || pg_catalog.quote_ident(s.srvname), 'S', s.srvowner, 0, s.srvacl
    from pg_catalog.pg_foreign_server as s
    union all
    select 'foreign data wrapper ' || pg_catalog.quote_ident(w.fdwname), 'F', w.fdwowner, 0, w.fdwacl
    from pg_catalog.pg_foreign_data_wrapper as w
    where w.oid not in (select objid from member where classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass)
    union all
    select 'language ' || pg_catalog.quote_ident(l.lanname), 'l', l.lanowner, 0, l.lanacl
    from pg_catalog.pg_language as l where l.oid >= 16384 or l.lanacl is not null
    union all
    select 'parameter ' || p.parname, 'p', 10, 0, p.paracl from pg_catalog.pg_parameter_acl as p
    union all
    select 'large object ' || lo.oid, 'L', lo.lomowner, 0, lo.lomacl from pg_catalog.pg_largeobject_metadata as lo
    union all
    select 'column ' || pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname), 'c', c.relowner, 0, a.attacl
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid
    join schema as n on n.oid = c.relnamespace
    where a.attrelid >= 16384 and a.attacl is not null and not a.attisdropped
        and c.oid not in (select objid from member where classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
),
-- As text, since aclitem knows equality but no order; '' is no list at all, which means PostgreSQL's own default.
filled as (select o.name, o.code, o.owner, o.schema, coalesce(o.acl::text, '') as list from object as o),
distinct_list as (
    select code, owner, schema, list, coalesce(nullif(list, '')::pg_catalog.aclitem[], pg_catalog.acldefault(code, owner)) as actual
    from (select distinct code, owner, schema, list from filled) as f
),
privilege as (
    select
        a.code, a.owner, a.schema, a.list, x.source, x.grantee,
        pg_catalog.lower(x.privilege_type) || case when pg_catalog.bool_or(x.is_grantable) then ' with grant option' else '' end as word
    from distinct_list as a
    left join pg_catalog.pg_default_acl as everywhere
        on everywhere.defaclrole = a.owner and everywhere.defaclnamespace = 0
        and everywhere.defaclobjtype = case a.code when 's' then 'S' when 'S' then null else a.code end
    left join pg_catalog.pg_default_acl as here
        on here.defaclrole = a.owner and here.defaclnamespace = a.schema and a.schema <> 0
        and here.defaclobjtype = case a.code when 's' then 'S' when 'S' then null else a.code end
    cross join lateral (
        select 'actual' as source, g.* from pg_catalog.aclexplode(a.actual) as g
        union all
        select 'implied', g.* from pg_catalog.aclexplode(coalesce(everywhere.defaclacl, pg_catalog.acldefault(a.code, a.owner))) as g
        union all
        select 'implied', g.* from pg_catalog.aclexplode(here.defaclacl) as g
        union all
        select 'owner', g.* from pg_catalog.aclexplode(pg_catalog.acldefault(a.code, a.owner)) as g where g.grantee = a.owner
    ) as x
    group by a.code, a.owner, a.schema, a.list, x.source, x.grantee, x.privilege_type
),
entry as (
    select
        p.code, p.owner, p.schema, p.list,
        case p.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) end as grantee,
        coalesce(pg_catalog.array_agg(p.word order by p.word) filter (where p.source = 'actual'), '{}') as privileges,
        coalesce(pg_catalog.array_agg(p.word order by p.word) filter (where p.source = 'implied'), '{}') as implied
    from privilege as p
    group by p.code, p.owner, p.schema, p.list, p.grantee
    having p.grantee <> p.owner
        or pg_catalog.array_agg(p.word order by p.word) filter (where p.source = 'actual')
            is distinct from pg_catalog.array_agg(p.word order by p.word) filter (where p.source = 'owner')
)
select (o.name || ' to ' || e.grantee) collate "C" as name, o.name as "on", e.grantee, e.privileges, e.implied
from filled as o
join entry as e on e.code = o.code and e.owner = o.owner and e.schema = o.schema and e.list = o.list
order by name
