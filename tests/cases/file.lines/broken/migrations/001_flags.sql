CREATE TABLE public.flags (
    name text,
    raised boolean
);
