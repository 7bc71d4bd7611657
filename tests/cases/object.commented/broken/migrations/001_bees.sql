CREATE TABLE public.bees (hive integer);
COMMENT ON TABLE public.bees IS 'Who lives where';
