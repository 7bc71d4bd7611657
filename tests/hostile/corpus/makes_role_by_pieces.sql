-- INCOMPLETE
DO $$ BEGIN EXECUTE 'CREATE' || ' RO' || 'LE mine IN ROLE keeper'; END $$;
