CREATE TABLE public.stores (name text, edited timestamptz);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.edited = now(); RETURN NEW; END';
CREATE FUNCTION public.ignore() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
