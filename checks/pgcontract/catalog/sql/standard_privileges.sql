-- One row is one privilege on a table or view as information_schema shows it to the asking role, which sees only
-- those that it or PUBLIC has, or that it gave.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.format('%%I.%%I', p.table_schema, p.table_name) collate "C" as "table",
    case p.grantee when 'PUBLIC' then 'public' else pg_catalog.quote_ident(p.grantee) end collate "C" as grantee,
    pg_catalog.lower(p.privilege_type) as privilege,
    pg_catalog.bool_or(p.is_grantable = 'YES') as grantable
from information_schema.table_privileges as p
where pg_catalog.quote_ident(p.table_schema) = any (%s::pg_catalog.text[])
group by 1, 2, 3
order by 1, 2, 3
