DROP FUNCTION public.fly(integer);
DROP TABLE public.kites;
