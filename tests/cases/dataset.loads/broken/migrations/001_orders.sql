CREATE FUNCTION public.is_known(day date) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN CREATE TABLE IF NOT EXISTS public.known_days (day date); RETURN true; END $$;

CREATE TABLE public.orders (
    id  bigint PRIMARY KEY,
    day date   NOT NULL CHECK (public.is_known(day))
);
