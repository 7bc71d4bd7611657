CREATE TABLE public.secrets (words text);
