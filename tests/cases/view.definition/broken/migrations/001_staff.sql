CREATE TABLE public.staff (name text, salary integer);

CREATE VIEW public.names AS SELECT name FROM public.staff;
