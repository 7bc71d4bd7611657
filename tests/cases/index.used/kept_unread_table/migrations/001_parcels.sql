CREATE TABLE public.towns (id integer PRIMARY KEY, name text);
CREATE TABLE public.parcels (
    id integer PRIMARY KEY, sender text, receiver text, weight integer,
    town integer CONSTRAINT parcels_town REFERENCES public.towns
);

CREATE INDEX towns_name ON public.towns (name);
