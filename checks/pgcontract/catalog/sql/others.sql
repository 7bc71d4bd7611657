-- One row is any other object that somebody made (operator, cast, collation, text search, foreign server ...), and
-- the database itself where it has a comment.
-- Ran on 15, 16, 17 and 18.
select
    (i.type || ' ' || i.identity) collate "C" as name,
    d.description as comment,
    i.type as form,
    o.owner::pg_catalog.regrole::text as owner
from (
    select 'pg_catalog.pg_operator'::pg_catalog.regclass as classid, oid, oprowner as owner from pg_catalog.pg_operator
    union all select 'pg_catalog.pg_opclass'::pg_catalog.regclass, oid, opcowner from pg_catalog.pg_opclass
    union all select 'pg_catalog.pg_opfamily'::pg_catalog.regclass, oid, opfowner from pg_catalog.pg_opfamily
    union all select 'pg_catalog.pg_cast'::pg_catalog.regclass, oid, null from pg_catalog.pg_cast
    union all select 'pg_catalog.pg_collation'::pg_catalog.regclass, oid, collowner from pg_catalog.pg_collation
    union all select 'pg_catalog.pg_conversion'::pg_catalog.regclass, oid, conowner from pg_catalog.pg_conversion
    union all select 'pg_catalog.pg_language'::pg_catalog.regclass, oid, lanowner from pg_catalog.pg_language
    union all select 'pg_catalog.pg_ts_config'::pg_catalog.regclass, oid, cfgowner from pg_catalog.pg_ts_config
    union all select 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, oid, dictowner from pg_catalog.pg_ts_dict
    union all select 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, oid, null from pg_catalog.pg_ts_parser
    union all select 'pg_catalog.pg_ts_template'::pg_catalog.regclass, oid, null from pg_catalog.pg_ts_template
    union all select 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid, fdwowner
        from pg_catalog.pg_foreign_data_wrapper
    union all select 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid, srvowner from pg_catalog.pg_foreign_server
    union all select 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, umid, null from pg_catalog.pg_user_mappings
    union all select 'pg_catalog.pg_am'::pg_catalog.regclass, oid, null from pg_catalog.pg_am
    union all select 'pg_catalog.pg_transform'::pg_catalog.regclass, oid, null from pg_catalog.pg_transform
    union all select 'pg_catalog.pg_largeobject'::pg_catalog.regclass, oid, lomowner
        from pg_catalog.pg_largeobject_metadata
    union all select 'pg_catalog.pg_subscription'::pg_catalog.regclass, s.oid, s.subowner
        from pg_catalog.pg_subscription as s
        join pg_catalog.pg_database as db on db.oid = s.subdbid and db.datname = pg_catalog.current_database()
) as o
left join pg_catalog.pg_description as d on d.objoid = o.oid and d.classoid = o.classid and d.objsubid = 0
cross join lateral pg_catalog.pg_identify_object(o.classid, o.oid, 0) as i
where
    o.oid >= 16384
    -- Neither an extension's member nor, as a range's cast to its multirange, a part of something else.
    and not exists (
        select from pg_catalog.pg_depend as m
        where m.classid = o.classid and m.objid = o.oid and m.deptype in ('e', 'i')
    )
union all
select 'database' collate "C", d.description, 'database', null
from pg_catalog.pg_database as db
join pg_catalog.pg_shdescription as d
    on d.objoid = db.oid and d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
where db.datname = pg_catalog.current_database()
order by name
