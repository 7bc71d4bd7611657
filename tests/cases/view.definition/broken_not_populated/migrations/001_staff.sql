CREATE TABLE public.staff (name text, salary integer);

CREATE MATERIALIZED VIEW public.names AS SELECT name FROM public.staff WITH NO DATA;
