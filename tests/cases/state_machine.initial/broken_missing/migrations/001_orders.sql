CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL
);
ALTER TABLE public.orders DROP COLUMN status;
