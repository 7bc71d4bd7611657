CREATE TABLE public.ranks (place integer CONSTRAINT place_once UNIQUE DEFERRABLE);
