CREATE TABLE public.songs (title text, artist text);
CREATE INDEX ON public.songs (artist);
