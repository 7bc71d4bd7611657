CREATE TABLE public.mints (struck integer, CONSTRAINT modern CHECK (struck > 2000));
