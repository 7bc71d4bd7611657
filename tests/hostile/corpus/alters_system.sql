-- BLOCKED
DO $$ BEGIN EXECUTE 'SELECT pg_reload_conf()'; END $$;
ALTER SYSTEM SET listen_addresses = '';
