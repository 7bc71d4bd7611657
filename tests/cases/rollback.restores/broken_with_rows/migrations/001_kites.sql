CREATE TABLE public.kites (tail text NOT NULL);
