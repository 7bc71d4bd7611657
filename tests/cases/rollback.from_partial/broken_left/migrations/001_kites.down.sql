DO $$ BEGIN
    IF to_regclass('public.tails') IS NOT NULL THEN DROP VIEW public.tails; DROP TABLE public.kites; END IF;
END $$;
