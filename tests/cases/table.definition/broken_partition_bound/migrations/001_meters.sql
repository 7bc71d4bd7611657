CREATE TABLE public.meters (day date) PARTITION BY RANGE (day);
CREATE TABLE public.meters_q1 PARTITION OF public.meters FOR VALUES FROM ('2026-01-01') TO ('2026-03-31');
