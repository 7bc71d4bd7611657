-- INCOMPLETE
DO $$ DECLARE d name; BEGIN
    FOR d IN SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user LOOP
        EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', d);
        EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', d);
        IF d <> current_database() THEN EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS false', d); END IF;
    END LOOP;
END $$;
