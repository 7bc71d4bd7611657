CREATE TABLE public.parcels (sender text, receiver text, weight integer, sent_at timestamptz);

CREATE INDEX parcels_sender ON public.parcels (sender, sent_at);
CREATE INDEX parcels_by_sender ON public.parcels (sender, sent_at);
