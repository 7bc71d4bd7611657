CREATE TABLE public.streets (name text);
CREATE INDEX streets_prefix ON public.streets (name);
