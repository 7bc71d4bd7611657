CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_a ON public.parcels USING hash (sender);
CREATE INDEX parcels_b ON public.parcels USING hash (sender);
