CREATE TABLE public.animals (name text);
CREATE TABLE public.birds (name text);
