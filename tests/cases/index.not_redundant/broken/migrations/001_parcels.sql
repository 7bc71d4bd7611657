CREATE TABLE public.parcels (label text, CONSTRAINT parcels_label UNIQUE (label));
CREATE INDEX parcels_by_label ON public.parcels (label);
