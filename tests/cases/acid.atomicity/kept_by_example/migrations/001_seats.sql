CREATE TABLE public.seats (number integer, CONSTRAINT seats_from_one CHECK (number > 0));
