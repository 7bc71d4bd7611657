CREATE TABLE IF NOT EXISTS public.roads (name text, km integer);
DROP INDEX IF EXISTS public.roads_km;
CREATE INDEX roads_km ON public.roads (km);
