CREATE TABLE public.pumps (id integer, litres integer, name text COLLATE "de-x-icu");
