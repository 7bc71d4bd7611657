CREATE FUNCTION public.vat(net numeric) RETURNS numeric
LANGUAGE sql AS 'SELECT net * 0.19';
