CREATE TABLE public.orders (id integer PRIMARY KEY, title text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
