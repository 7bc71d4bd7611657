-- One row is an object under its kind and name as the parts of a Schema have them, with the numbers that change when
-- it is dropped and made again: its oid, and of a relation the file its rows are in, of a column its number.
-- Left out is what constraints.sql leaves out of NOT NULL, so that every major counts the same objects.
-- Ran on 15, 16, 17 and 18: NOT NULL has rows in pg_constraint since 18 (of domains since 17).
with schema as (
    select n.oid, n.nspname from pg_catalog.pg_namespace as n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
),
relation as (
    select
        c.oid, c.relfilenode, c.relkind, c.reltype, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    join schema as n on n.oid = c.relnamespace
)
select
    case
        when relkind in ('r', 'p', 'f') then 'table ' when relkind in ('i', 'I') then 'index '
        when relkind in ('v', 'm') then 'view ' when relkind = 'S' then 'sequence ' else 'type '
    end || name as name,
    array[oid::int8, relfilenode::int8] as numbers
from relation
union all
select 'column ' || pg_catalog.format('%s.%I', r.name, a.attname), array[a.attrelid::int8, a.attnum]
from pg_catalog.pg_attribute as a join relation as r on r.oid = a.attrelid
where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'f', 'v', 'm')
union all
select 'constraint ' || pg_catalog.format('%I.%I.%I', n.nspname, coalesce(c.relname, t.typname), con.conname), array[con.oid::int8]
from pg_catalog.pg_constraint as con
join schema as n on n.oid = con.connamespace
left join pg_catalog.pg_class as c on c.oid = con.conrelid
left join pg_catalog.pg_type as t on t.oid = con.contypid
where con.contype <> 't' and (con.contype <> 'n' or (con.conrelid <> 0 and (con.connoinherit or not con.convalidated)))
union all
select 'trigger ' || pg_catalog.format('%s.%I', r.name, g.tgname), array[g.oid::int8]
from pg_catalog.pg_trigger as g join relation as r on r.oid = g.tgrelid
where not g.tgisinternal
union all
select 'rule ' || pg_catalog.format('%s.%I', r.name, w.rulename), array[w.oid::int8]
from pg_catalog.pg_rewrite as w join relation as r on r.oid = w.ev_class
where w.rulename <> '_RETURN'
union all
select 'policy ' || pg_catalog.format('%s.%I', r.name, p.polname), array[p.oid::int8]
from pg_catalog.pg_policy as p join relation as r on r.oid = p.polrelid
union all
select 'function ' || p.oid::pg_catalog.regprocedure::text, array[p.oid::int8]
from pg_catalog.pg_proc as p join schema as n on n.oid = p.pronamespace
union all
select 'type ' || pg_catalog.format('%I.%I', n.nspname, t.typname), array[t.oid::int8]
from pg_catalog.pg_type as t join schema as n on n.oid = t.typnamespace
where t.typtype in ('e', 'r', 'd') or (t.typtype = 'b' and t.typcategory <> 'A')
union all
select 'statistics ' || pg_catalog.format('%I.%I', n.nspname, s.stxname), array[s.oid::int8]
from pg_catalog.pg_statistic_ext as s join schema as n on n.oid = s.stxnamespace
union all
select 'schema ' || pg_catalog.quote_ident(n.nspname), array[n.oid::int8] from schema as n
union all
select 'extension ' || pg_catalog.quote_ident(e.extname), array[e.oid::int8] from pg_catalog.pg_extension as e
union all
select 'publication ' || pg_catalog.quote_ident(p.pubname), array[p.oid::int8] from pg_catalog.pg_publication as p
union all
select 'event_trigger ' || pg_catalog.quote_ident(e.evtname), array[e.oid::int8] from pg_catalog.pg_event_trigger as e
