-- One row is a constraint of a table or a domain. Left out: those behind constraint triggers (the trigger says it
-- all), the copies that a foreign key to a partitioned table keeps for each partition, and NOT NULL (the column says
-- it) unless it is NOT VALID or NO INHERIT; such a one is called after its column, since its own name is noise.
-- Ran on 15, 16, 17 and 18: NOT ENFORCED came with 18, where NOT NULL has rows too (of domains in 17).
with owner as materialized (
    select c.oid as conrelid, 0::pg_catalog.oid as contypid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where
        c.oid >= 16384 and c.relkind in ('r', 'p', 'f')
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and c.oid not in (
            select m.objid from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        )
    union all
    select 0, t.oid, pg_catalog.format('%I.%I', n.nspname, t.typname)
    from pg_catalog.pg_type as t
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where
        t.oid >= 16384 and t.typtype = 'd'
        and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and t.oid not in (
            select m.objid from pg_catalog.pg_depend as m
            where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
                and m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
        )
)
select
    (owner.name || '.' || case con.contype
        when 'n' then (
            select pg_catalog.quote_ident(a.attname) || ' not null' from pg_catalog.pg_attribute as a
            where a.attrelid = con.conrelid and a.attnum = con.conkey[1]
        )
        else pg_catalog.quote_ident(con.conname)
    end) collate "C" as name,
    d.description as comment,
    owner.name as "table",
    case con.contype
        when 'c' then 'check' when 'p' then 'primary key' when 'u' then 'unique'
        when 'f' then 'foreign key' when 'x' then 'exclude' else 'not null'
    end as form,
    -- pg_get_constraintdef ends in the state, in this order; what stands before it is the definition. Most are
    -- CHECK, for which pg_get_expr gives the same words at two thirds of the cost.
    case
        when con.contype = 'c' then 'CHECK (' || pg_catalog.pg_get_expr(con.conbin, con.conrelid) || ')'
        when state.suffix = '' then pg_catalog.pg_get_constraintdef(con.oid)
        else pg_catalog.left(pg_catalog.pg_get_constraintdef(con.oid), -pg_catalog.length(state.suffix))
    end as definition,
    con.convalidated as validated,
    con.enforced,
    con.condeferrable as deferrable,
    con.condeferred as initially_deferred,
    con.connoinherit and con.contype in ('c', 'n') as no_inherit,
    con.coninhcount > 0 and not con.conislocal as inherited
from (select true as conenforced) as before_18
cross join lateral (select *, conenforced as enforced from pg_catalog.pg_constraint) as con
join owner on owner.conrelid = con.conrelid and owner.contypid = con.contypid
left join pg_catalog.pg_description as d
    on d.objoid = con.oid and d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objsubid = 0
cross join lateral (
    select pg_catalog.concat(
        case when con.connoinherit and con.contype = 'n' then ' NO INHERIT' end,
        case when con.condeferrable then ' DEFERRABLE' end,
        case when con.condeferred then ' INITIALLY DEFERRED' end,
        case when not con.enforced then ' NOT ENFORCED' when not con.convalidated then ' NOT VALID' end
    ) as suffix
) as state
where
    con.oid >= 16384
    and con.contype <> 't'
    and (con.contype <> 'n' or (con.conrelid <> 0 and (con.connoinherit or not con.convalidated)))
    and (con.conparentid = 0 or not exists (
        select from pg_catalog.pg_constraint as parent
        where parent.oid = con.conparentid and parent.conrelid = con.conrelid
    ))
order by name
