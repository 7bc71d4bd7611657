-- CAUTION
DO $$ BEGIN
    EXECUTE format('ALTER ROLE %I SET role = ''keeper''', current_user);
    EXECUTE format('ALTER ROLE %I SET session_authorization = ''keeper''', current_user);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', current_user);
    EXECUTE format('ALTER ROLE %I IN DATABASE precious SET work_mem = ''64kB''', current_user);
    EXECUTE format('ALTER ROLE %I IN DATABASE postgres SET search_path = nowhere', current_user);
END $$;
