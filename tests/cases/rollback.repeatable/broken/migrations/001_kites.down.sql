DROP FUNCTION IF EXISTS public.fly();
DROP TABLE public.kites;
