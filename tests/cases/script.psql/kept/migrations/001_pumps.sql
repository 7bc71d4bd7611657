CREATE TABLE public.pumps (id integer, litres integer);
