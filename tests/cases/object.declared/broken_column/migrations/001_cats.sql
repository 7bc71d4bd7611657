CREATE TABLE public.cats (name text, shoe_size integer);
