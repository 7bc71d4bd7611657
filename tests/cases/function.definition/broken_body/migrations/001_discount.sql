CREATE FUNCTION public.discount(price numeric) RETURNS numeric LANGUAGE sql AS 'SELECT price * 0.9';
