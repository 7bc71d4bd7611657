CREATE TABLE public.books (isbn char(13), title text);
