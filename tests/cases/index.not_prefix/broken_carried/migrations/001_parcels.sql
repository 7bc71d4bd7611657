CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_sent ON public.parcels (sent_at);
CREATE INDEX parcels_carried ON public.parcels (sent_at) INCLUDE (weight);
