CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_sent ON public.parcels (sent_at) INCLUDE (weight) WHERE weight > 0;
CREATE INDEX parcels_newest ON public.parcels (sent_at DESC) INCLUDE (weight) WHERE (weight > 0);
