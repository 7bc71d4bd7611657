CREATE TABLE public.salaries (person text, yearly integer);
GRANT SELECT ON public.salaries TO PUBLIC;
