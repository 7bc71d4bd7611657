CREATE TABLE public.cats (name text);
CREATE TABLE public.dogs (name text);
