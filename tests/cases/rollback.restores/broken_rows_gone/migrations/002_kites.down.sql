DROP TABLE public.kites; DELETE FROM public.strings;
