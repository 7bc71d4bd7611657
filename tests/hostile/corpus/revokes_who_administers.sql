-- INCOMPLETE
DO $$ DECLARE m name; BEGIN
    FOR m IN SELECT member::regrole::name FROM pg_auth_members WHERE roleid = current_user::regrole LOOP
        EXECUTE format('REVOKE %I FROM %I CASCADE', current_user, m);
    END LOOP;
    EXECUTE 'REVOKE reader FROM keeper';
END $$;
