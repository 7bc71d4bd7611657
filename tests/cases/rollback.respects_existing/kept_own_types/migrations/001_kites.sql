CREATE TYPE public.wind AS ENUM ('calm', 'storm');
CREATE TABLE public.kites (wind public.wind, metres integer);
