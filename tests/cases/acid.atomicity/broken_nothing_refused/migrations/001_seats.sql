CREATE TABLE public.seats (number integer);
