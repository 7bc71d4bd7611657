CREATE TABLE public.sales (id integer PRIMARY KEY, region text, amount numeric);
INSERT INTO public.sales VALUES (1, 'north', 5);
CREATE MATERIALIZED VIEW public.totals AS SELECT region, sum(amount) AS total FROM public.sales GROUP BY 1;
CREATE UNIQUE INDEX totals_region ON public.totals (region);
CREATE MATERIALIZED VIEW public.empty AS SELECT 1 AS one WITH NO DATA;
