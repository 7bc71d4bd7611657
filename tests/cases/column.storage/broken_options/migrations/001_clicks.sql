CREATE TABLE public.clicks (visitor uuid);
ALTER TABLE public.clicks ALTER COLUMN visitor SET (n_distinct = 5000);
