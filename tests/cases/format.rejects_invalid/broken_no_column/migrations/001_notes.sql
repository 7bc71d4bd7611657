CREATE TABLE public.notes (body text);
