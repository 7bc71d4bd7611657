CREATE TABLE public.grades (mark integer);
