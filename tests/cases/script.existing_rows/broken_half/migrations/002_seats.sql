CREATE INDEX IF NOT EXISTS seats_taken_by ON public.seats (taken_by);
COMMIT;
CREATE UNIQUE INDEX IF NOT EXISTS seats_number ON public.seats (number);
