DELETE FROM public.seats a USING public.seats b WHERE a.number = b.number AND a.ctid < b.ctid;
CREATE UNIQUE INDEX IF NOT EXISTS seats_number ON public.seats (number);
