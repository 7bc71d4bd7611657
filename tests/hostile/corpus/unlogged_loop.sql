-- BLOCKED
SET statement_timeout = 0; DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1e6); EXCEPTION WHEN query_canceled THEN END; END LOOP; END $$;
