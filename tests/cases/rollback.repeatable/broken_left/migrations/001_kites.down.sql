DROP FUNCTION IF EXISTS public.fly();
DROP TABLE IF EXISTS public.kites;
CREATE TABLE IF NOT EXISTS public.downs (at timestamptz);
