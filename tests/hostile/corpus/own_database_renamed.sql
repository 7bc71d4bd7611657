-- INCOMPLETE
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RENAME TO mine', current_database()); END $$;
