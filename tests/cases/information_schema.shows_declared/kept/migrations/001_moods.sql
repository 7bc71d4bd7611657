CREATE TYPE public.mood AS ENUM ('glad', 'sad');
CREATE DOMAIN public.short AS varchar(9) NOT NULL;
CREATE TABLE public.moods (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Person" public.short,
    mood public.mood,
    since timestamptz(0) DEFAULT now(),
    tags text[],
    CONSTRAINT since_past CHECK (since > '2000-01-01')
);
CREATE FUNCTION public.stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON public.moods EXECUTE FUNCTION public.stop();
