CREATE FUNCTION public.slug(title text) RETURNS text LANGUAGE sql AS 'SELECT lower(title)';
