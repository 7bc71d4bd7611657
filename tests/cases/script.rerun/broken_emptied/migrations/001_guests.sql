DROP TABLE IF EXISTS public.guests;
CREATE TABLE public.guests (name text);
