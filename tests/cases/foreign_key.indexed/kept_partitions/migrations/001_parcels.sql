CREATE TABLE public.senders (id integer PRIMARY KEY, town integer, street integer, UNIQUE (town, street));

CREATE TABLE public.parcels (sender integer CONSTRAINT parcels_sender REFERENCES public.senders, year integer)
    PARTITION BY LIST (year);
CREATE TABLE public.parcels_old PARTITION OF public.parcels FOR VALUES IN (2025);
CREATE TABLE public.parcels_new PARTITION OF public.parcels FOR VALUES IN (2026);
CREATE INDEX parcels_old_sender ON public.parcels_old (sender);
CREATE INDEX parcels_new_sender ON public.parcels_new (sender);
