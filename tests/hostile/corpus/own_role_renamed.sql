-- BLOCKED
DO $$ BEGIN EXECUTE format('ALTER ROLE %I RENAME TO keeper2', current_user); END $$;
