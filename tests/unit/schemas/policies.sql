CREATE TABLE public.notes (id integer PRIMARY KEY, owner text NOT NULL, body text);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.notes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON public.notes FOR ALL TO reader, writer USING (owner = current_user) WITH CHECK (true);
CREATE POLICY "no more than 10" ON public.notes AS RESTRICTIVE FOR SELECT USING (id < 10);
GRANT SELECT, INSERT ON public.notes TO reader;
GRANT UPDATE (body), SELECT (id) ON public.notes TO writer;
GRANT SELECT ON public.notes TO public;
