CREATE TABLE public.cats (name text PRIMARY KEY, litter integer GENERATED ALWAYS AS IDENTITY);
