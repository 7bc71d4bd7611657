CREATE TABLE public.readings (day date NOT NULL, value real) PARTITION BY RANGE (day);
CREATE TABLE public.readings_2026 PARTITION OF public.readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX readings_day ON ONLY public.readings (day);
