CREATE TABLE public.prices (cents integer);
INSERT INTO public.prices VALUES (1);
DELETE FROM public.prices;
