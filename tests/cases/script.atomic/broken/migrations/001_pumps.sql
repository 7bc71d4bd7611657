CREATE TABLE public.pumps (id integer, litres integer);
COMMIT;
CREATE INDEX pumps_litres ON public.pumps (litres);
