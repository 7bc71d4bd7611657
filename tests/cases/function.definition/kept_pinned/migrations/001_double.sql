CREATE FUNCTION public.double(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
