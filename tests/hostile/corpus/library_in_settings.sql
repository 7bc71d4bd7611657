-- BLOCKED
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_preload_libraries = ''hostile''', current_database()); END $$;
