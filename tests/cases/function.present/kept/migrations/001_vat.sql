CREATE FUNCTION public.vat(net numeric, rate numeric DEFAULT 0.19) RETURNS numeric
LANGUAGE sql AS 'SELECT net * rate';
