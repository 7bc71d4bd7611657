CREATE TABLE public.names (name text);
