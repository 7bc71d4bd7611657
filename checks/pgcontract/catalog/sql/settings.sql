-- One row is one parameter that ALTER ROLE or ALTER DATABASE gives to sessions of this database.
-- Ran on 15, 16, 17 and 18.
select
    pg_catalog.concat(
        pg_catalog.split_part(each, '=', 1), ' of ',
        case
            when s.setrole <> 0 then pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole))
            when s.setdatabase = 0 then 'all'
        end,
        case when s.setdatabase <> 0 then case when s.setrole <> 0 then ' in database' else 'database' end end
    ) collate "C" as name,
    pg_catalog.substr(each, pg_catalog.strpos(each, '=') + 1) as value
from pg_catalog.pg_db_role_setting as s
cross join lateral pg_catalog.unnest(s.setconfig) as each
where
    s.setdatabase = 0
    or s.setdatabase = (select db.oid from pg_catalog.pg_database as db where db.datname = pg_catalog.current_database())
order by name
