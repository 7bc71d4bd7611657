CREATE TABLE public.attic (box text);
