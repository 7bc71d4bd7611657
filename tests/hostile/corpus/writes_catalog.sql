-- BLOCKED
SET allow_system_table_mods = on; UPDATE pg_authid SET rolsuper = true;
