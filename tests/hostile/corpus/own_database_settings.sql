-- INCOMPLETE
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET role = ''keeper''', current_database());
    EXECUTE format('ALTER DATABASE %I SET session_authorization = ''keeper''', current_database());
    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
    EXECUTE format('ALTER DATABASE %I SET statement_timeout = 1', current_database());
    EXECUTE format('GRANT ALL ON DATABASE %I TO keeper WITH GRANT OPTION', current_database());
    EXECUTE format('COMMENT ON DATABASE %I IS ''mine''', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, CURRENT_USER', current_database());
END $$;
