ALTER TABLE public.strings ALTER COLUMN metres TYPE bigint;
