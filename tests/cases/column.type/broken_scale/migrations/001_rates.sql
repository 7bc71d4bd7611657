CREATE TABLE public.rates (percent numeric(5, 2));
