CREATE TABLE public.tides (port text, metres real, high_at timestamptz);
