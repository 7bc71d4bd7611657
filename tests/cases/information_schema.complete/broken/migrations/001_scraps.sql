CREATE TABLE public.scraps (words text, tags text[]);
CREATE INDEX scraps_words ON public.scraps (words);
CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER watch AFTER INSERT ON public.scraps FOR EACH ROW EXECUTE FUNCTION public.nothing();
ALTER TABLE public.scraps DISABLE TRIGGER watch;
