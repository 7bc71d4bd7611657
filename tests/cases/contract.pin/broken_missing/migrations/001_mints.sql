CREATE TABLE public.mints (struck integer);
