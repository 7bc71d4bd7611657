CREATE UNIQUE INDEX IF NOT EXISTS seats_number ON public.seats (number);
