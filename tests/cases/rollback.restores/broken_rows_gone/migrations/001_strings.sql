CREATE TABLE public.strings (metres integer);
INSERT INTO public.strings VALUES (30);
