CREATE TABLE public.kites (tail text);
CREATE FUNCTION public.fly() RETURNS void LANGUAGE sql AS 'SELECT';
