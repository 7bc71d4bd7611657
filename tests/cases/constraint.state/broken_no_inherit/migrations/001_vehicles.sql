CREATE TABLE public.vehicles (wheels integer, CONSTRAINT wheels_known CHECK (wheels > 0) NO INHERIT);
