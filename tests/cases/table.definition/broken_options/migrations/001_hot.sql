CREATE TABLE public.hot (n integer) WITH (fillfactor = 50);
ALTER TABLE public.hot REPLICA IDENTITY FULL;
