CREATE TABLE IF NOT EXISTS public.evens (n integer NOT NULL CHECK (n % 2 = 0));
