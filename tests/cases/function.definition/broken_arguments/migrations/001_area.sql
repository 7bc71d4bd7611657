CREATE FUNCTION public.area(width integer, height integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * $2';
