CREATE TABLE public.trips (start_at timestamptz, end_at timestamptz);
