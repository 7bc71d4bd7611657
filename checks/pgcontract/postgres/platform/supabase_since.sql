-- What changed on 2026-05-30: reading and writing new tables is no longer granted by default; TRUNCATE,
-- REFERENCES, TRIGGER (and MAINTAIN from 17 on) still are. Run after supabase_database.sql. Runs on 15 to 18.
DO $platform$
DECLARE
    migrator text := current_setting('pgcontract.migrator');
    api text := (
        SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_roles
        WHERE rolname IN ('anon', 'authenticated', 'service_role')
    );
BEGIN
    IF api IS NOT NULL THEN
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM %s',
            migrator, api
        );
    END IF;
END
$platform$;
