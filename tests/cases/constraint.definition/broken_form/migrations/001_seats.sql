CREATE TABLE public.seats (number text, CONSTRAINT seats_number_key CHECK (number <> ''));
