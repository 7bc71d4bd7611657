CREATE TABLE public.beds (plant text);
