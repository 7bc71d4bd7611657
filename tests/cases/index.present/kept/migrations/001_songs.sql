CREATE TABLE public.songs (title text, artist text);
CREATE INDEX songs_by_artist ON public.songs (artist);
