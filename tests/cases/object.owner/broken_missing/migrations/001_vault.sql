CREATE TABLE public.vault (gold integer);
