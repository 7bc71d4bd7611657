CREATE TABLE public.senders (id integer PRIMARY KEY, town integer, street integer, UNIQUE (town, street));

CREATE TABLE public.parcels (
    sender integer CONSTRAINT parcels_sender REFERENCES public.senders, town integer, street integer
);
CREATE INDEX parcels_town ON public.parcels (town, sender);
