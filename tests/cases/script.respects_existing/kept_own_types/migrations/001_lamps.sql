CREATE TYPE public.shade AS ENUM ('warm', 'cold');
CREATE TABLE public.lamps (shade public.shade, lumen integer);
