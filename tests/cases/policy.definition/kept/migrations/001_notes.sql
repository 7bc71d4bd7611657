CREATE TABLE public.notes (author text, words text);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON public.notes FOR UPDATE TO postgres
    USING (author = current_user) WITH CHECK (author = current_user AND words <> '');
