CREATE TABLE public.bees (hive integer);
COMMENT ON TABLE public.bees IS 'Who lives where';
COMMENT ON COLUMN public.bees.hive IS 'The hive''s number';
