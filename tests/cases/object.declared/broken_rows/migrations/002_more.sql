INSERT INTO public.sizes VALUES ('M'); CREATE TABLE public.fits (fit text);
