CREATE TABLE IF NOT EXISTS public.plans (name text);
INSERT INTO public.plans VALUES ('free');
