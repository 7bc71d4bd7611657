DO $$
BEGIN
    IF EXISTS (SELECT FROM public.seats GROUP BY number HAVING count(*) > 1) THEN
        RAISE EXCEPTION 'seats are taken twice' USING HINT = 'Free one of the two.';
    END IF;
END $$;
CREATE UNIQUE INDEX IF NOT EXISTS seats_number ON public.seats (number);
