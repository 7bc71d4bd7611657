-- INCOMPLETE
DO $$ BEGIN EXECUTE format('DROP ROLE %I', current_user); END $$;
