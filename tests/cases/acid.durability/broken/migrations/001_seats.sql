CREATE UNLOGGED TABLE public.seats (number integer NOT NULL);
