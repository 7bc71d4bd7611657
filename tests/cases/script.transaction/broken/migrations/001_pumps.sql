CREATE TABLE public.pumps (id integer, litres integer);
CREATE INDEX CONCURRENTLY pumps_litres ON public.pumps (litres);
