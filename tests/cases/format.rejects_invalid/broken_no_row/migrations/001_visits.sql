CREATE TABLE public.visits (page text, seen date NOT NULL CHECK (seen > '2030-01-01'));
