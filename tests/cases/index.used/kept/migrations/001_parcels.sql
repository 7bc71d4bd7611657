CREATE TABLE public.towns (id integer PRIMARY KEY, name text);
CREATE TABLE public.parcels (
    id integer PRIMARY KEY, sender text, receiver text, weight integer,
    town integer CONSTRAINT parcels_town REFERENCES public.towns
);

CREATE INDEX parcels_sender ON public.parcels (sender);
CREATE INDEX parcels_receiver ON public.parcels (receiver);
CREATE UNIQUE INDEX parcels_once ON public.parcels (id, weight);
CREATE INDEX parcels_town ON public.parcels (town);
CREATE INDEX towns_name ON public.towns (name);
