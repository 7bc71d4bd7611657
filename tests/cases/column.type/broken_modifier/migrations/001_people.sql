CREATE TABLE public.people (surname varchar(60));
