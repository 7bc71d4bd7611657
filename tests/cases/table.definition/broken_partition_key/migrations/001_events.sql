CREATE TABLE public.events (at date, region text) PARTITION BY LIST (region);
