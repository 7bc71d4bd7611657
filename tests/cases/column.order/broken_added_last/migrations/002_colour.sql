ALTER TABLE public.cars ADD COLUMN maker text, ADD COLUMN colour text;
