CREATE TABLE public.rakes (teeth integer);
DO $$ BEGIN EXECUTE 'CREATE TABLE public.hoes (edge integer)'; END $$;
