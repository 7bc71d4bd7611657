CREATE TABLE public.events (
    id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT now(), kind text NOT NULL,
    payload jsonb, CONSTRAINT kind_known CHECK (kind IN ('a', 'b')), PRIMARY KEY (id, at, kind)
) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF public.events
    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
CREATE TABLE public.events_2025_a PARTITION OF public.events_2025 FOR VALUES IN ('a');
CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
CREATE TABLE public.events_old (payload jsonb, kind text NOT NULL, at timestamptz NOT NULL, id bigint NOT NULL);
ALTER TABLE public.events_old ADD CONSTRAINT kind_known CHECK (kind IN ('a', 'b'));
ALTER TABLE public.events ATTACH PARTITION public.events_old FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX events_kind ON public.events (kind);
