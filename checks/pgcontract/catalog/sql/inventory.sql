-- The one row says which kinds of object may be there: those that surely are not need not be asked for, and in a new
-- session a query of the catalog costs milliseconds of planning, whatever it finds.
-- Ran on 15, 16, 17 and 18.
select pg_catalog.array_remove(array[
    case when exists (select from pg_catalog.pg_class where oid >= 16384 and relkind in ('r', 'p', 'f')) then 'tables' end,
    case when exists (
        select from pg_catalog.pg_class where oid >= 16384 and relkind in ('r', 'p', 'f', 'v', 'm')
    ) then 'columns' end,
    case when exists (select from pg_catalog.pg_constraint where oid >= 16384) then 'constraints' end,
    case when exists (select from pg_catalog.pg_index where indexrelid >= 16384) then 'indexes' end,
    case when exists (select from pg_catalog.pg_trigger where oid >= 16384) then 'triggers' end,
    case when exists (select from pg_catalog.pg_proc where oid >= 16384) then 'functions' end,
    case when exists (select from pg_catalog.pg_class where oid >= 16384 and relkind in ('v', 'm')) then 'views' end,
    case when exists (select from pg_catalog.pg_class where oid >= 16384 and relkind = 'S') then 'sequences' end,
    -- Everything but an array type has one; the row type of a table has the table's kind.
    case when exists (select from pg_catalog.pg_type where oid >= 16384 and typtype <> 'c' and typarray <> 0)
        or exists (select from pg_catalog.pg_class where oid >= 16384 and relkind = 'c') then 'types' end,
    case when exists (select from pg_catalog.pg_rewrite where oid >= 16384) then 'rules' end,
    case when exists (select from pg_catalog.pg_policy) then 'policies' end,
    case when exists (select from pg_catalog.pg_event_trigger) then 'event_triggers' end,
    case when exists (select from pg_catalog.pg_publication) then 'publications' end,
    case when exists (select from pg_catalog.pg_statistic_ext) then 'statistics' end,
    case when exists (select from pg_catalog.pg_default_acl) then 'default_grants' end,
    case when exists (select from pg_catalog.pg_db_role_setting) then 'settings' end,
    case when exists (select from pg_catalog.pg_operator where oid >= 16384)
        or exists (select from pg_catalog.pg_opclass where oid >= 16384)
        or exists (select from pg_catalog.pg_opfamily where oid >= 16384)
        or exists (select from pg_catalog.pg_cast where oid >= 16384)
        or exists (select from pg_catalog.pg_collation where oid >= 16384)
        or exists (select from pg_catalog.pg_conversion where oid >= 16384)
        or exists (select from pg_catalog.pg_language where oid >= 16384)
        or exists (select from pg_catalog.pg_ts_config where oid >= 16384)
        or exists (select from pg_catalog.pg_ts_dict where oid >= 16384)
        or exists (select from pg_catalog.pg_ts_parser where oid >= 16384)
        or exists (select from pg_catalog.pg_ts_template where oid >= 16384)
        -- No user mapping without a server, and no server without a wrapper.
        or exists (select from pg_catalog.pg_foreign_data_wrapper where oid >= 16384)
        or exists (select from pg_catalog.pg_am where oid >= 16384)
        or exists (select from pg_catalog.pg_transform where oid >= 16384)
        or exists (select from pg_catalog.pg_largeobject_metadata)
        or exists (select from pg_catalog.pg_subscription where subdbid = db.oid)
        or exists (select from pg_catalog.pg_seclabel)
        or exists (select from pg_catalog.pg_shseclabel)
        or exists (
            select from pg_catalog.pg_shdescription
            where objoid = db.oid and classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
        ) then 'others' end
], null) as kinds
from pg_catalog.pg_database as db
where db.datname = pg_catalog.current_database()
