CREATE DOMAIN public.colour AS text;
