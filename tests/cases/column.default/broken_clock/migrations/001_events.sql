CREATE TABLE public.events (at timestamptz DEFAULT clock_timestamp());
