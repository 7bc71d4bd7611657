CREATE TABLE public.archive (line text);
