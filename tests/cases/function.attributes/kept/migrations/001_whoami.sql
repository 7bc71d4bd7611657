CREATE FUNCTION public.whoami() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS 'SELECT session_user::text';
