CREATE TABLE public.ships (name text);
