CREATE TABLE public.plants (latin text);
