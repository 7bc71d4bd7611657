CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    email text NOT NULL,
    status text NOT NULL,
    quantity integer NOT NULL,
    session text,
    placed_at timestamptz NOT NULL,
    form jsonb NOT NULL
);
CREATE INDEX orders_email ON public.orders (email);
