CREATE TABLE public.kites (tail text, metres integer);
