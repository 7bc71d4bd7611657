DROP FUNCTION public.fly();
DROP TABLE IF EXISTS public.kites;
