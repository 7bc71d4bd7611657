CREATE TABLE public.scans (page integer, image bytea);
ALTER TABLE public.scans ALTER COLUMN image SET STORAGE EXTERNAL;
ALTER TABLE public.scans ALTER COLUMN page SET STATISTICS 500;
