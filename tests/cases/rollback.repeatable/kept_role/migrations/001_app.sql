DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF; END $$;
CREATE TABLE IF NOT EXISTS public.t (a int);
GRANT SELECT ON public.t TO app;
