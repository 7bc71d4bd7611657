CREATE TABLE public.parcels (state text, tracking text, weight integer);
CREATE INDEX parcels_state ON public.parcels (state);
CREATE INDEX parcels_state_tracking ON public.parcels (state, tracking);
