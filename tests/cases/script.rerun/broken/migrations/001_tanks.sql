CREATE TABLE IF NOT EXISTS public.tanks (id integer, changed_at timestamptz);
CREATE OR REPLACE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.changed_at = now(); RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON public.tanks FOR EACH ROW EXECUTE FUNCTION public.touch();
