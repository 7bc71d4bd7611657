CREATE TABLE public.log (id integer, what text);
CREATE RULE keep AS ON DELETE TO public.log DO INSTEAD NOTHING;
CREATE VIEW public.shown AS SELECT id FROM public.log;
CREATE RULE write AS ON INSERT TO public.shown DO INSTEAD INSERT INTO public.log VALUES (NEW.id, 'shown');
CREATE PUBLICATION all_of FOR TABLE public.log (id) WHERE (id > 0) WITH (publish = 'insert');
