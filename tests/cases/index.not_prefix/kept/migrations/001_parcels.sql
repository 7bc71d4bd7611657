CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE UNIQUE INDEX parcels_once ON public.parcels (receiver);
CREATE INDEX parcels_receiver ON public.parcels (receiver, sent_at);
CREATE INDEX parcels_sender ON public.parcels (sender);
CREATE INDEX parcels_heavy ON public.parcels (sender, weight) WHERE weight > 20;
CREATE INDEX parcels_last ON public.parcels (sender NULLS FIRST, sent_at);
CREATE INDEX parcels_way ON public.parcels (weight, sender);
CREATE INDEX parcels_way_down ON public.parcels (weight, sender DESC, receiver);
CREATE INDEX parcels_carried ON public.parcels (sent_at) INCLUDE (weight);
CREATE INDEX parcels_sent ON public.parcels (sent_at, sender);
