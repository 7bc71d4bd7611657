CREATE TABLE public.plain (name text);
