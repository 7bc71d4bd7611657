CREATE TABLE public.shifts (hours integer, CONSTRAINT hours_sane CHECK (hours <= 24));
