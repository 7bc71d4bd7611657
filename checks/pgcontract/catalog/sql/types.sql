-- One row is an enum, composite, range, domain or base type. Array types, row types of tables and multirange types
-- come with another object and are left out; a range names its multirange.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I', n.nspname, t.typname) collate "C" as name,
    coalesce(d.description, cd.description) as comment,
    case t.typtype
        when 'e' then 'enum' when 'c' then 'composite' when 'r' then 'range' when 'd' then 'domain' else 'base'
    end as form,
    case t.typtype when 'e' then array(
        select e.enumlabel::text from pg_catalog.pg_enum as e where e.enumtypid = t.oid order by e.enumsortorder
    ) else '{}' end as labels,
    case t.typtype
        when 'e' then '{}'
        when 'c' then array(
            select pg_catalog.concat(
                pg_catalog.quote_ident(a.attname), ' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
                case when a.attcollation <> at.typcollation
                    then ' COLLATE ' || a.attcollation::pg_catalog.regcollation::text end
            )
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_type as at on at.oid = a.atttypid
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            order by a.attnum
        )
        when 'r' then (
            select pg_catalog.array_remove(array[
                'subtype = ' || pg_catalog.format_type(r.rngsubtype, null),
                'multirange = ' || pg_catalog.format_type(r.rngmultitypid, null),
                case when not op.opcdefault
                    then 'subtype_opclass = ' || pg_catalog.format('%s.%I', op.opcnamespace::pg_catalog.regnamespace, op.opcname) end,
                case when r.rngcollation <> st.typcollation
                    then 'collation = ' || r.rngcollation::pg_catalog.regcollation::text end,
                'canonical = ' || nullif(r.rngcanonical, 0)::pg_catalog.regproc::text,
                'subtype_diff = ' || nullif(r.rngsubdiff, 0)::pg_catalog.regproc::text
            ], null)
            from pg_catalog.pg_range as r
            join pg_catalog.pg_opclass as op on op.oid = r.rngsubopc
            join pg_catalog.pg_type as st on st.oid = r.rngsubtype
            where r.rngtypid = t.oid
        )
        when 'd' then pg_catalog.array_remove(array[
            pg_catalog.format_type(t.typbasetype, t.typtypmod),
            case when t.typcollation <> base.typcollation then t.typcollation::pg_catalog.regcollation::text end
        ], null)
        else array[
            'input = ' || t.typinput, 'output = ' || t.typoutput, 'receive = ' || t.typreceive, 'send = ' || t.typsend,
            'typmod_in = ' || t.typmodin, 'typmod_out = ' || t.typmodout, 'analyze = ' || t.typanalyze,
            'subscript = ' || t.typsubscript, 'element = ' || pg_catalog.format_type(nullif(t.typelem, 0), null),
            'length = ' || t.typlen, 'by value = ' || t.typbyval, 'alignment = ' || t.typalign::text,
            'storage = ' || t.typstorage::text, 'category = ' || t.typcategory::text, 'preferred = ' || t.typispreferred,
            'delimiter = ' || t.typdelim::text, 'collatable = ' || (t.typcollation <> 0)
        ]
    end as attributes,
    not t.typnotnull as "null",
    coalesce(pg_catalog.pg_get_expr(t.typdefaultbin, 0), t.typdefault) as "default",
    t.typowner::pg_catalog.regrole::text as owner
from pg_catalog.pg_type as t
join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
left join pg_catalog.pg_class as c on c.oid = t.typrelid
left join pg_catalog.pg_type as base on base.oid = t.typbasetype
left join pg_catalog.pg_description as d
    on d.objoid = t.oid and d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objsubid = 0
left join pg_catalog.pg_description as cd
    on cd.objoid = t.typrelid and cd.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and cd.objsubid = 0
where
    t.oid >= 16384
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (t.typtype in ('e', 'r', 'd') or t.typtype = 'b' or (t.typtype = 'c' and c.relkind = 'c'))
    and not (t.typcategory = 'A' and exists (select from pg_catalog.pg_type as e where e.oid = t.typelem and e.typarray = t.oid))
    and t.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    )
order by name
