CREATE ROLE partner NOLOGIN;
CREATE TABLE public.prices (sku text, cents integer);
GRANT SELECT ON public.prices TO partner WITH GRANT OPTION;
