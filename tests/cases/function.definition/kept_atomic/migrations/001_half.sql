CREATE FUNCTION public.half(n integer) RETURNS integer LANGUAGE sql RETURN n / 2;
