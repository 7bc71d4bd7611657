CREATE TABLE public.orders (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status text NOT NULL,
    paid_at timestamptz,
    CHECK ((status = 'paid') = (paid_at IS NOT NULL))
);
