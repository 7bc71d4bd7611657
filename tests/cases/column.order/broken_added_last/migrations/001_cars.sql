CREATE TABLE public.cars (plate text);
