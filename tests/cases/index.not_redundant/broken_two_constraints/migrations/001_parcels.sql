CREATE TABLE public.parcels (id integer PRIMARY KEY);
ALTER TABLE public.parcels ADD CONSTRAINT parcels_id UNIQUE (id);
