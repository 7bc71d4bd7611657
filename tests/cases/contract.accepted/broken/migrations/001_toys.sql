CREATE TABLE public.toys (name text);
