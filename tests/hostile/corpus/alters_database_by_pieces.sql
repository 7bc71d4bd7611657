-- BLOCKED
CREATE TABLE public.t (id integer PRIMARY KEY);
DO $$ BEGIN
    EXECUTE 'ALT' || 'ER DATABASE precious SET statement_timeout = 1';
    EXECUTE 'ALT' || 'ER DATABASE precious CONNECTION LIMIT 0';
END $$;
