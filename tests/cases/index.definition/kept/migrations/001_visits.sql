CREATE TABLE public.visits (host text, path text, at timestamptz, ms integer);
CREATE UNIQUE INDEX visits_once ON public.visits (lower(host), at DESC NULLS LAST)
    INCLUDE (ms) NULLS NOT DISTINCT WHERE path IS NOT NULL AND ms > 0;
