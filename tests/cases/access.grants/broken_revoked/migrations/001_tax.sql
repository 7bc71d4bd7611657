CREATE FUNCTION public.tax(net numeric) RETURNS numeric LANGUAGE sql AS 'SELECT net * 0.2';
REVOKE ALL ON FUNCTION public.tax(numeric) FROM PUBLIC;
