CREATE TABLE public.parcels (label text, CONSTRAINT parcels_label UNIQUE (label));
CREATE UNIQUE INDEX parcels_by_label ON public.parcels (label DESC);
