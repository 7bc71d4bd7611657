CREATE TABLE public.notes (author text, words text);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON public.notes USING (author = current_user OR author IS NULL);
