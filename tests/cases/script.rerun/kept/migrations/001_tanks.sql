CREATE TABLE IF NOT EXISTS public.tanks (id integer PRIMARY KEY, fuel text NOT NULL);
CREATE INDEX IF NOT EXISTS tanks_fuel ON public.tanks (fuel);
COMMENT ON TABLE public.tanks IS 'Where the fuel is';
