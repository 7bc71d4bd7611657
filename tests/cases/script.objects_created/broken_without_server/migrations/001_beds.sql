CREATE TABLE public.beds (plant text);
CREATE TABLE public.pots (plant text);
