DROP INDEX public.strings_metres; ALTER TABLE public.strings ALTER COLUMN metres TYPE smallint;
