CREATE TABLE public.sales (id integer PRIMARY KEY, region text, amount numeric);
CREATE VIEW public.big AS SELECT id, amount FROM public.sales WHERE amount > 100 WITH LOCAL CHECK OPTION;
CREATE VIEW public.safe WITH (security_invoker = true, security_barrier) AS SELECT region FROM public.sales;
ALTER VIEW public.big ALTER COLUMN amount SET DEFAULT 101;
COMMENT ON VIEW public.big IS 'What counts';
GRANT SELECT, UPDATE ON public.safe TO reader WITH GRANT OPTION;
