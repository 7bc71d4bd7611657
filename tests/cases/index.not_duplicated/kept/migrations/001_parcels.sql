CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_sender ON public.parcels (sender);
CREATE INDEX parcels_sender_like ON public.parcels (sender text_pattern_ops);
CREATE INDEX parcels_sender_heavy ON public.parcels (sender) WHERE weight > 20;
CREATE INDEX parcels_sender_c ON public.parcels (sender COLLATE "C");
CREATE INDEX parcels_sender_hash ON public.parcels USING hash (sender);
CREATE INDEX parcels_both ON public.parcels (sender, receiver DESC);
CREATE INDEX parcels_both_up ON public.parcels (sender, receiver);
CREATE UNIQUE INDEX parcels_once ON public.parcels (receiver, sent_at);
CREATE UNIQUE INDEX parcels_once_null ON public.parcels (receiver, sent_at) NULLS NOT DISTINCT;
