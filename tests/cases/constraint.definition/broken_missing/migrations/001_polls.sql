CREATE TABLE public.polls (votes integer);
