CREATE TABLE public.staff (name text, salary integer);
