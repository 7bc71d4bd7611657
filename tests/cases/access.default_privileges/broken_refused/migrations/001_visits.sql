CREATE TABLE public.visits (at timestampz);
