CREATE TABLE public.places (city text, zip text);
