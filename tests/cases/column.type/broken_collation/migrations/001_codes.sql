CREATE TABLE public.codes (code text);
