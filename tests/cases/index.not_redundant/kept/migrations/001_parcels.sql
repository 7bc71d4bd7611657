CREATE TABLE public.parcels (
    id integer PRIMARY KEY, label text, sender text,
    CONSTRAINT parcels_label UNIQUE (label) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT parcels_sender UNIQUE (sender)
);
CREATE UNIQUE INDEX parcels_label_now ON public.parcels (label);
CREATE UNIQUE INDEX parcels_sender_null ON public.parcels (sender) NULLS NOT DISTINCT;
CREATE INDEX parcels_sender_like ON public.parcels (sender text_pattern_ops);
