CREATE TABLE public.cats (name text);
ALTER ROLE postgres SET work_mem = '1GB';
