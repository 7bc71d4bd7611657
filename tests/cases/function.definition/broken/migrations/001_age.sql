CREATE FUNCTION public.age_of(born date) RETURNS integer
LANGUAGE sql AS 'SELECT extract(year FROM age(born))::integer';
