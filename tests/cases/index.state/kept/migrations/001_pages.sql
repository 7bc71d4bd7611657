CREATE TABLE public.pages (slug text NOT NULL, hits integer);
CREATE UNIQUE INDEX pages_slug ON public.pages (slug) WITH (fillfactor = 70);
ALTER TABLE public.pages CLUSTER ON pages_slug;
ALTER TABLE public.pages REPLICA IDENTITY USING INDEX pages_slug;
