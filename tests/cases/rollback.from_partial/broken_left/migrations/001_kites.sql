CREATE TABLE public.kites (tail text);
CREATE VIEW public.tails AS SELECT tail FROM public.kites;
