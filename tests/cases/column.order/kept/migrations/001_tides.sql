CREATE TABLE public.tides (port text, spare integer, high_at timestamptz, metres real);
ALTER TABLE public.tides DROP COLUMN spare;
