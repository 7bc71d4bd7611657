CREATE TABLE public.words (word text);
CREATE INDEX words_folded ON public.words (lower(word));
