CREATE TABLE public.parcels (code text, weight_g integer);
