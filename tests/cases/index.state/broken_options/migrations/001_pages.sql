CREATE TABLE public.pages (slug text);
CREATE INDEX pages_slug ON public.pages (slug) WITH (fillfactor = 100);
