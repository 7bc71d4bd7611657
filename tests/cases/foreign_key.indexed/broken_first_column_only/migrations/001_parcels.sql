CREATE TABLE public.senders (id integer PRIMARY KEY, town integer, street integer, UNIQUE (town, street));

CREATE TABLE public.parcels (sender integer, town integer, street integer);
ALTER TABLE public.parcels ADD CONSTRAINT parcels_from
    FOREIGN KEY (town, street) REFERENCES public.senders (town, street);
CREATE INDEX parcels_town ON public.parcels (town);
