CREATE TABLE public.cellar (wine text);
