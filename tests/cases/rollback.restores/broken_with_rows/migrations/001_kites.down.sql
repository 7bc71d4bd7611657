DO $$ BEGIN
    IF EXISTS (SELECT FROM public.kites) THEN RAISE EXCEPTION 'there are rows'; END IF;
END $$;
DROP TABLE public.kites;
