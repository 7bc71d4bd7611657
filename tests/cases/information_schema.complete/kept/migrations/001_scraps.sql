CREATE TABLE public.scraps (words text, CONSTRAINT said CHECK (words <> ''));
