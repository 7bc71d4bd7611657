-- One row is a constraint of a table or a domain. Left out: those behind constraint triggers (the trigger says it
-- all), the copies that a foreign key to a partitioned table keeps for each partition, and NOT NULL (the column says
-- it) unless it is NOT VALID or NO INHERIT; such a one is called after its column, since its own name is noise.
-- Ran on 15, 16, 17 and 18: NOT ENFORCED came with 18, where NOT NULL has rows too (of domains in 17).
select
    case con.contype
        when 'n' then pg_catalog.format('%s.%I not null', owner.name, col.attname)
        else pg_catalog.format('%s.%I', owner.name, con.conname)
    end collate "C" as name,
    d.description as comment,
    owner.name as "table",
    case con.contype
        when 'c' then 'check' when 'p' then 'primary key' when 'u' then 'unique'
        when 'f' then 'foreign key' when 'x' then 'exclude' else 'not null'
    end as form,
    -- pg_get_constraintdef ends in the state, in this order; what stands before it is the definition.
    case when state.suffix = '' then text.definition
        else pg_catalog.left(text.definition, pg_catalog.length(text.definition) - pg_catalog.length(state.suffix))
    end as definition,
    con.convalidated as validated,
    con.enforced,
    con.condeferrable as deferrable,
    con.condeferred as initially_deferred,
    con.connoinherit and con.contype in ('c', 'n') as no_inherit,
    con.coninhcount > 0 and not con.conislocal as inherited
from (select true as conenforced) as before_18
cross join lateral (select *, conenforced as enforced from pg_catalog.pg_constraint) as con
left join pg_catalog.pg_class as c on c.oid = con.conrelid
left join pg_catalog.pg_type as t on t.oid = con.contypid
join pg_catalog.pg_namespace as n on n.oid = con.connamespace
left join pg_catalog.pg_constraint as parent on parent.oid = con.conparentid
left join pg_catalog.pg_attribute as col
    on con.contype = 'n' and col.attrelid = con.conrelid and col.attnum = con.conkey[1]
left join pg_catalog.pg_description as d
    on d.objoid = con.oid and d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objsubid = 0
cross join lateral (
    select pg_catalog.format('%I.%I', n.nspname, coalesce(c.relname, t.typname)) as name
) as owner
cross join lateral (select pg_catalog.pg_get_constraintdef(con.oid) as definition) as text
cross join lateral (
    select pg_catalog.concat(
        case when con.connoinherit and con.contype in ('c', 'n') then ' NO INHERIT' end,
        case when con.condeferrable then ' DEFERRABLE' end,
        case when con.condeferred then ' INITIALLY DEFERRED' end,
        case when not con.enforced then ' NOT ENFORCED' when not con.convalidated then ' NOT VALID' end
    ) as suffix
) as state
where
    n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and con.contype <> 't'
    and (con.contype <> 'n' or (con.conrelid <> 0 and (con.connoinherit or not con.convalidated)))
    and (con.conparentid = 0 or parent.conrelid <> con.conrelid)
    and con.conrelid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    )
    and con.contypid not in (
        select m.objid from pg_catalog.pg_depend as m
        where m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and m.deptype = 'e'
            and m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    )
order by name
