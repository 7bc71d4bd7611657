CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    cancelled boolean,
    reason text,
    CHECK ((reason IS NOT NULL) = coalesce(cancelled, false))
);
