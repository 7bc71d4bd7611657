CREATE TABLE public.diaries (author uuid, words text);
ALTER TABLE public.diaries ENABLE ROW LEVEL SECURITY;
