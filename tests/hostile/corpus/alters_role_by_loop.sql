-- BLOCKED
DO $$ DECLARE r name; done integer := 0; BEGIN
    FOR r IN SELECT rolname FROM pg_roles LOOP
        BEGIN
            IF r <> current_user THEN
                EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', r);
                done := done + 1;
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN NULL; END;
    END LOOP;
    IF done = 0 THEN RAISE insufficient_privilege USING MESSAGE = 'nothing could be taken'; END IF;
END $$;
