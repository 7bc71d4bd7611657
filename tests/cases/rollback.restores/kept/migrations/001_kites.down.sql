DROP FUNCTION public.fly();
DROP TABLE public.kites;
