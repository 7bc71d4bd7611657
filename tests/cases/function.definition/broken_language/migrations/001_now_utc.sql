CREATE FUNCTION public.now_utc() RETURNS timestamp LANGUAGE plpgsql AS 'BEGIN RETURN now() AT TIME ZONE ''UTC''; END';
