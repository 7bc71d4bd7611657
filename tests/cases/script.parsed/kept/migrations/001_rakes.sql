CREATE TABLE public.rakes (teeth integer);
CREATE FUNCTION public.count_teeth() RETURNS bigint LANGUAGE sql AS 'SELECT sum(teeth) FROM public.rakes';
COMMENT ON TABLE public.rakes IS 'Rakes; with a semicolon';
