-- One row is a trigger that somebody made: those behind foreign keys are left out, and so is a partition's copy of
-- its parent's trigger unless it is enabled differently. WHEN is cut out of pg_get_triggerdef, which alone can print
-- an expression over both OLD and NEW.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%I.%I.%I', n.nspname, c.relname, g.tgname) collate "C" as name,
    d.description as comment,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as "table",
    case when g.tgtype & 2 <> 0 then 'before' when g.tgtype & 64 <> 0 then 'instead of' else 'after' end as timing,
    pg_catalog.array_remove(array[
        case when g.tgtype & 4 <> 0 then 'insert' end, case when g.tgtype & 16 <> 0 then 'update' end,
        case when g.tgtype & 8 <> 0 then 'delete' end, case when g.tgtype & 32 <> 0 then 'truncate' end
    ], null) as events,
    case when g.tgtype & 1 <> 0 then 'row' else 'statement' end as level,
    case when g.tgattr = '' then '{}' else array(
        select pg_catalog.quote_ident(a.attname)
        from pg_catalog.unnest(g.tgattr::int2[]) with ordinality as key (attnum, n)
        join pg_catalog.pg_attribute as a on a.attrelid = g.tgrelid and a.attnum = key.attnum
        order by key.n
    ) end as columns,
    case when g.tgqual is not null then pg_catalog.regexp_replace(
        pg_catalog.pg_get_triggerdef(g.oid),
        '^.* FOR EACH (?:ROW|STATEMENT) WHEN \((.*)\) EXECUTE FUNCTION .*$', '\1'
    ) end as "when",
    g.tgfoid::pg_catalog.regprocedure::text as function,
    -- Arguments end in a NUL each, which text cannot hold: U+001F stands in for it.
    case when g.tgnargs = 0 then '{}' else (pg_catalog.string_to_array(pg_catalog.convert_from(pg_catalog.decode(
        pg_catalog.replace(pg_catalog.regexp_replace(pg_catalog.encode(g.tgargs, 'hex'), '(..)', '\1 ', 'g'), '00 ', '1f '),
        'hex'
    ), pg_catalog.getdatabaseencoding()), e'\x1f'))[:g.tgnargs] end as arguments,
    case g.tgenabled
        when 'O' then 'origin' when 'D' then 'disabled' when 'R' then 'replica' else 'always'
    end as enabled,
    g.tgconstraint <> 0 as "constraint",
    g.tgdeferrable as deferrable,
    g.tginitdeferred as initially_deferred,
    pg_catalog.quote_ident(g.tgoldtable) as old_table,
    pg_catalog.quote_ident(g.tgnewtable) as new_table,
    nullif(g.tgconstrrelid, 0)::pg_catalog.regclass::text as "references"
from pg_catalog.pg_trigger as g
join pg_catalog.pg_class as c on c.oid = g.tgrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_trigger as parent on parent.oid = g.tgparentid
left join pg_catalog.pg_description as d
    on d.objoid = g.oid and d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and d.objsubid = 0
where
    g.oid >= 16384 and not g.tgisinternal
    and (parent.oid is null or parent.tgenabled <> g.tgenabled)
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and g.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
    )
    and c.oid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
order by name
