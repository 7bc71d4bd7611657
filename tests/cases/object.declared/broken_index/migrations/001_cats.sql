CREATE TABLE public.cats (name text);
CREATE INDEX cats_name ON public.cats (name);
