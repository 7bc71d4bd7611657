CREATE TABLE public.pumps (id integer, litres integer);
CREATE FUNCTION public.boom() RETURNS void LANGUAGE c AS 'boom';
