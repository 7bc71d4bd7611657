CREATE TABLE IF NOT EXISTS public.lamps (id integer, lumen integer);
