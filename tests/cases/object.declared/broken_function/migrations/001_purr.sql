CREATE FUNCTION public.purr() RETURNS text LANGUAGE sql AS $$SELECT 'prr'$$;
