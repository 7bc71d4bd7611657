CREATE TABLE public.paints (colour text);
