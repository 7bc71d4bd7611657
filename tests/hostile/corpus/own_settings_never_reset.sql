-- CAUTION
DO $$ BEGIN
    EXECUTE format('ALTER ROLE %I SET seed = ''0.5''', current_user);
    EXECUTE format('ALTER ROLE %I SET work_mem = ''64kB''', current_user);
    EXECUTE format('ALTER ROLE %I IN DATABASE precious SET transaction_read_only = on', current_user);
    EXECUTE format('ALTER ROLE %I IN DATABASE precious SET work_mem = ''64kB''', current_user);
    EXECUTE format('ALTER DATABASE %I SET transaction_read_only = on', current_database());
END $$;
