CREATE TABLE public.films (title text, reels integer);
ALTER TABLE public.films DROP COLUMN reels;
