CREATE TABLE public.hits (path text);
ALTER TABLE public.hits ALTER COLUMN path SET STATISTICS 100;
