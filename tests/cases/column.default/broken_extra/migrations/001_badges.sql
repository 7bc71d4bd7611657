CREATE TABLE public.badges (colour text DEFAULT 'blue');
