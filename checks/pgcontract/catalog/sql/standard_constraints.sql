-- One row is a table constraint as information_schema shows it to the asking role, with the clause of a CHECK and the
-- columns of a key in their order. NOT NULL counts as CHECK there. The standard joins clauses by schema and name alone,
-- which two tables may share: the clause is null where it cannot say which is whose.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%%I.%%I', t.table_schema, t.table_name) collate "C" as "table",
    pg_catalog.quote_ident(t.constraint_name) collate "C" as name,
    t.constraint_type::text as type,
    c.check_clause,
    coalesce(k.columns, '{}') as columns,
    t.enforced::text as enforced
from information_schema.table_constraints as t
left join (
    select
        c.constraint_schema, c.constraint_name,
        case when pg_catalog.count(distinct c.check_clause::text) = 1 then pg_catalog.min(c.check_clause::text) end as check_clause
    from information_schema.check_constraints as c
    group by 1, 2
) as c
    on t.constraint_type = 'CHECK' and c.constraint_schema = t.constraint_schema and c.constraint_name = t.constraint_name
left join (
    select
        k.table_schema, k.table_name, k.constraint_name,
        pg_catalog.array_agg(pg_catalog.quote_ident(k.column_name) order by k.ordinal_position::int) as columns
    from information_schema.key_column_usage as k
    group by 1, 2, 3
) as k on k.table_schema = t.table_schema and k.table_name = t.table_name and k.constraint_name = t.constraint_name
where pg_catalog.quote_ident(t.table_schema) = any (%s::pg_catalog.text[])
order by 1, 2
