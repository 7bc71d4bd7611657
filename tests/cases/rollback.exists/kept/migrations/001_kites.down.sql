DROP TABLE public.kites;
