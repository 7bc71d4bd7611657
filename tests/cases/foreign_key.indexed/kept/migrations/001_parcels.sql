CREATE TABLE public.senders (id integer PRIMARY KEY, town integer, street integer, UNIQUE (town, street));

CREATE TABLE public.parcels (
    "by, whom" integer CONSTRAINT parcels_by REFERENCES public.senders,
    sender integer CONSTRAINT parcels_sender REFERENCES public.senders,
    town integer, street integer,
    CONSTRAINT parcels_from FOREIGN KEY (town, street) REFERENCES public.senders (town, street) ON DELETE CASCADE
);
CREATE INDEX parcels_by ON public.parcels ("by, whom" DESC, sender);
CREATE INDEX parcels_sender ON public.parcels USING hash (sender);
CREATE INDEX parcels_from ON public.parcels (street, town, sender) WHERE town IS NOT NULL AND street IS NOT NULL;
