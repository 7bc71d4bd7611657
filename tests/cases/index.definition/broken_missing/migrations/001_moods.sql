CREATE TABLE public.moods (mood text);
