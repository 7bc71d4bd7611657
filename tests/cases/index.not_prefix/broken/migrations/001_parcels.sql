CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_sender ON public.parcels (sender);
CREATE INDEX parcels_sender_sent ON public.parcels (sender, sent_at DESC);
