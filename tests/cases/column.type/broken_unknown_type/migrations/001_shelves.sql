CREATE TABLE public.shelves (width integer);
