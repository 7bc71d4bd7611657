CREATE TABLE public.flags (
    name text,
    raised bool
);
