CREATE TABLE public.lamps (id integer PRIMARY KEY, lumen integer);
