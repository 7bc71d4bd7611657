CREATE TABLE public.seats (number integer NOT NULL);
