CREATE TABLE public.beds (plant text);
CREATE INDEX beds_plant ON public.beds (plant);
DO $$ BEGIN EXECUTE 'DROP INDEX public.beds_plant'; END $$;
