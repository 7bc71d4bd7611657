-- What changed on 2026-05-30: reading and writing new tables is no longer granted by default; TRUNCATE,
-- REFERENCES, TRIGGER (and MAINTAIN from 17 on) still are. Run after supabase_database.sql. Runs on 15 to 18.
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM anon, authenticated, service_role;
