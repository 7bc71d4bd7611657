CREATE TABLE IF NOT EXISTS public.stays (
    id integer,
    arrives timestamptz NOT NULL,
    leaves timestamptz
);
