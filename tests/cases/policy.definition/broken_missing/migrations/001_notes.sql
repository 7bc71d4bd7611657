CREATE TABLE public.notes (author text, words text);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
