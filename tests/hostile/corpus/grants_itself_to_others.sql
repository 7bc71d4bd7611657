-- INCOMPLETE
DO $$ BEGIN EXECUTE format('GRANT %I TO keeper WITH ADMIN OPTION', current_user); END $$;
