CREATE TABLE public.trips (id integer PRIMARY KEY, start_at timestamptz NOT NULL, end_at timestamptz);
