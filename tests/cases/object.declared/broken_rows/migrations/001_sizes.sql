CREATE TABLE public.sizes (size text);
INSERT INTO public.sizes VALUES ('S');
