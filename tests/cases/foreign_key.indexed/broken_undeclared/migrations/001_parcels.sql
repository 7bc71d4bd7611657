CREATE TABLE public.senders (id integer PRIMARY KEY, town integer, street integer, UNIQUE (town, street));

CREATE TABLE public.parcels (sender integer REFERENCES public.senders);
