CREATE TABLE public.lessons (course text, number integer, PRIMARY KEY (course));
