DROP TABLE IF EXISTS public.lamps;
CREATE TABLE public.lamps (id integer, lumen integer);
