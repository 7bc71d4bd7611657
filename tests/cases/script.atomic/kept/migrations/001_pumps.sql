CREATE TABLE public.pumps (id integer, litres integer);
CREATE INDEX pumps_litres ON public.pumps (litres);
