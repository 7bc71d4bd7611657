CREATE TABLE public.events (at date, what text);
