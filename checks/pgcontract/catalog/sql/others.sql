-- One row is any other object that somebody made (operator, cast, collation, text search, foreign server ...), a security
-- label, and the database itself where it has a comment. `definition` is what CREATE or ALTER says of it, a line a word.
-- Left out are the values of a user mapping's options and a subscription's connection, which hold passwords; a
-- collation's version, which is the machine's; and what a large object holds.
-- Ran on 15, 16, 17 and 18: columns that came or were renamed since (collations) are read through jsonb.
with o as (
    select 'pg_catalog.pg_operator'::pg_catalog.regclass as classid, p.oid, p.oprowner as owner, array[
        'function = ' || p.oprcode::pg_catalog.oid::pg_catalog.regprocedure,
        'commutator = ' || nullif(p.oprcom, 0)::pg_catalog.regoperator,
        'negator = ' || nullif(p.oprnegate, 0)::pg_catalog.regoperator,
        'restrict = ' || nullif(p.oprrest::pg_catalog.oid, 0)::pg_catalog.regproc,
        'join = ' || nullif(p.oprjoin::pg_catalog.oid, 0)::pg_catalog.regproc,
        case when p.oprcanhash then 'hashes' end,
        case when p.oprcanmerge then 'merges' end
    ] as definition
    from pg_catalog.pg_operator as p
    union all select 'pg_catalog.pg_opclass'::pg_catalog.regclass, c.oid, c.opcowner, array[
        'type = ' || pg_catalog.format_type(c.opcintype, null),
        'family = ' || (pg_catalog.pg_identify_object('pg_catalog.pg_opfamily'::pg_catalog.regclass, c.opcfamily, 0)).identity,
        'storage = ' || pg_catalog.format_type(nullif(c.opckeytype, 0), null),
        case when c.opcdefault then 'default' end
    ] from pg_catalog.pg_opclass as c
    union all select 'pg_catalog.pg_opfamily'::pg_catalog.regclass, f.oid, f.opfowner, array(
        select pg_catalog.concat(
            'operator ', a.amopstrategy, ' ', a.amopopr::pg_catalog.regoperator,
            ' for (' || pg_catalog.format_type(a.amoplefttype, null) || ', ' || pg_catalog.format_type(a.amoprighttype, null) || ')',
            ' order by ' || (
                pg_catalog.pg_identify_object('pg_catalog.pg_opfamily'::pg_catalog.regclass, nullif(a.amopsortfamily, 0), 0)
            ).identity
        ) collate "C" as member
        from pg_catalog.pg_amop as a where a.amopfamily = f.oid
        union all
        select pg_catalog.concat(
            'function ', a.amprocnum, ' ', a.amproc::pg_catalog.oid::pg_catalog.regprocedure,
            ' for (' || pg_catalog.format_type(a.amproclefttype, null) || ', ' || pg_catalog.format_type(a.amprocrighttype, null) || ')'
        ) collate "C"
        from pg_catalog.pg_amproc as a where a.amprocfamily = f.oid
        order by member
    ) from pg_catalog.pg_opfamily as f
    union all select 'pg_catalog.pg_cast'::pg_catalog.regclass, c.oid, null, array[
        case c.castmethod when 'i' then 'with inout' when 'b' then 'without function'
            else 'function = ' || c.castfunc::pg_catalog.regprocedure end,
        case c.castcontext when 'i' then 'as implicit' when 'a' then 'as assignment' else 'explicit' end
    ] from pg_catalog.pg_cast as c
    union all select 'pg_catalog.pg_collation'::pg_catalog.regclass, c.oid, c.collowner, array[
        'provider = ' || case c.collprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' else 'default' end,
        'lc_collate = ' || (j.row ->> 'collcollate'),
        'lc_ctype = ' || (j.row ->> 'collctype'),
        'locale = ' || coalesce(j.row ->> 'colllocale', j.row ->> 'colliculocale'),
        'rules = ' || (j.row ->> 'collicurules'),
        'deterministic = ' || c.collisdeterministic
    ] from pg_catalog.pg_collation as c cross join lateral (select pg_catalog.to_jsonb(c) as row) as j where c.oid >= 16384
    union all select 'pg_catalog.pg_conversion'::pg_catalog.regclass, c.oid, c.conowner, array[
        'from = ' || pg_catalog.pg_encoding_to_char(c.conforencoding),
        'to = ' || pg_catalog.pg_encoding_to_char(c.contoencoding),
        'function = ' || c.conproc::pg_catalog.oid::pg_catalog.regprocedure,
        case when c.condefault then 'default' end
    ] from pg_catalog.pg_conversion as c
    union all select 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, l.lanowner, array[
        'handler = ' || nullif(l.lanplcallfoid, 0)::pg_catalog.regproc,
        'inline = ' || nullif(l.laninline, 0)::pg_catalog.regproc,
        'validator = ' || nullif(l.lanvalidator, 0)::pg_catalog.regproc,
        case when l.lanpltrusted then 'trusted' end
    ] from pg_catalog.pg_language as l
    union all select 'pg_catalog.pg_ts_config'::pg_catalog.regclass, c.oid, c.cfgowner, array(
        select 'parser = ' || (
            pg_catalog.pg_identify_object('pg_catalog.pg_ts_parser'::pg_catalog.regclass, c.cfgparser, 0)
        ).identity collate "C" as line
        union all
        select pg_catalog.concat(
            'mapping for ', (select t.alias from pg_catalog.ts_token_type(c.cfgparser) as t where t.tokid = m.maptokentype),
            ' = ', pg_catalog.string_agg(m.mapdict::pg_catalog.regdictionary::text, ', ' order by m.mapseqno)
        ) collate "C"
        from pg_catalog.pg_ts_config_map as m where m.mapcfg = c.oid group by m.maptokentype
        order by line
    ) from pg_catalog.pg_ts_config as c where c.oid >= 16384
    union all select 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, d.oid, d.dictowner, array[
        'template = ' || (
            pg_catalog.pg_identify_object('pg_catalog.pg_ts_template'::pg_catalog.regclass, d.dicttemplate, 0)
        ).identity,
        d.dictinitoption
    ] from pg_catalog.pg_ts_dict as d where d.oid >= 16384
    union all select 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, p.oid, null, array[
        'start = ' || p.prsstart, 'gettoken = ' || p.prstoken, 'end = ' || p.prsend,
        'headline = ' || nullif(p.prsheadline::pg_catalog.oid, 0)::pg_catalog.regproc, 'lextypes = ' || p.prslextype
    ] from pg_catalog.pg_ts_parser as p
    union all select 'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid, null, array[
        'init = ' || nullif(t.tmplinit::pg_catalog.oid, 0)::pg_catalog.regproc, 'lexize = ' || t.tmpllexize
    ] from pg_catalog.pg_ts_template as t
    union all select 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, w.oid, w.fdwowner, array[
        'handler = ' || nullif(w.fdwhandler, 0)::pg_catalog.regproc,
        'validator = ' || nullif(w.fdwvalidator, 0)::pg_catalog.regproc
    ] || w.fdwoptions from pg_catalog.pg_foreign_data_wrapper as w
    union all select 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, s.oid, s.srvowner, array[
        'foreign data wrapper = ' || (select pg_catalog.quote_ident(w.fdwname) from pg_catalog.pg_foreign_data_wrapper as w where w.oid = s.srvfdw),
        'type = ' || s.srvtype, 'version = ' || s.srvversion
    ] || s.srvoptions from pg_catalog.pg_foreign_server as s
    union all select 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, u.umid, null, array(
        select 'option ' || pg_catalog.split_part(each, '=', 1) collate "C" as line
        from pg_catalog.unnest(u.umoptions) as each order by line
    ) from pg_catalog.pg_user_mappings as u
    union all select 'pg_catalog.pg_am'::pg_catalog.regclass, a.oid, null, array[
        'handler = ' || a.amhandler, 'type = ' || case a.amtype when 'i' then 'index' else 'table' end
    ] from pg_catalog.pg_am as a
    union all select 'pg_catalog.pg_transform'::pg_catalog.regclass, t.oid, null, array[
        'from sql = ' || nullif(t.trffromsql::pg_catalog.oid, 0)::pg_catalog.regprocedure,
        'to sql = ' || nullif(t.trftosql::pg_catalog.oid, 0)::pg_catalog.regprocedure
    ] from pg_catalog.pg_transform as t
    union all select 'pg_catalog.pg_largeobject'::pg_catalog.regclass, l.oid, l.lomowner, '{}'
    from pg_catalog.pg_largeobject_metadata as l
    union all select 'pg_catalog.pg_subscription'::pg_catalog.regclass, s.oid, s.subowner, array[
        'publications = ' || pg_catalog.array_to_string(s.subpublications, ', '),
        'slot = ' || s.subslotname, 'synchronous_commit = ' || s.subsynccommit,
        case when s.subenabled then 'enabled' end, case when s.subbinary then 'binary' end
    ]
    from pg_catalog.pg_subscription as s
    join pg_catalog.pg_database as db on db.oid = s.subdbid and db.datname = pg_catalog.current_database()
)
select
    (i.type || ' ' || i.identity) collate "C" as name,
    d.description as comment,
    i.type as form,
    pg_catalog.array_remove(o.definition, null) as definition,
    o.owner::pg_catalog.regrole::text as owner
from o
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
select 'database' collate "C", d.description, 'database', '{}', null
from pg_catalog.pg_database as db
join pg_catalog.pg_shdescription as d
    on d.objoid = db.oid and d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
where db.datname = pg_catalog.current_database()
union all
select
    pg_catalog.concat(
        'security label ', l.provider, ' on ', l.objtype,
        case when l.objtype <> 'database' then ' ' || l.objname end
    ) collate "C",
    null, 'security label', array[l.label], null
from pg_catalog.pg_seclabels as l
where l.objtype <> 'database' or l.objname = pg_catalog.quote_ident(pg_catalog.current_database())
order by name
