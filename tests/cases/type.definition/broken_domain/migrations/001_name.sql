CREATE DOMAIN public.name AS varchar(50);
