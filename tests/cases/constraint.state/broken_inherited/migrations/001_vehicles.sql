CREATE TABLE public.vehicles (wheels integer, CONSTRAINT wheels_known CHECK (wheels > 0));
CREATE TABLE public.trucks () INHERITS (public.vehicles);
