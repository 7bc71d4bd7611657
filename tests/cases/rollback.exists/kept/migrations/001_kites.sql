CREATE TABLE public.kites (tail text);
