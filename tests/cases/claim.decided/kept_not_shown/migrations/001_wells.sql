CREATE TABLE public.wells (depth_m integer);
