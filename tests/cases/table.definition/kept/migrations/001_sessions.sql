CREATE TABLE public.sessions (at timestamptz NOT NULL, token text)
    PARTITION BY RANGE (date_trunc('day', at AT TIME ZONE 'UTC'));

CREATE TABLE public.sessions_old PARTITION OF public.sessions FOR VALUES FROM (MINVALUE) TO ('2026-01-01')
    WITH (fillfactor = 80, autovacuum_enabled = off);
CREATE UNLOGGED TABLE public.cache (key text);
