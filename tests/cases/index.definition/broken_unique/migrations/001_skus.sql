CREATE TABLE public.skus (sku text);
CREATE INDEX sku_once ON public.skus (sku);
