CREATE TABLE public.scans (page integer, image bytea);
