-- BLOCKED
CREATE VIEW public.stolen AS SELECT * FROM pg_shadow; SELECT * FROM public.stolen;
