CREATE UNLOGGED TABLE public.payments (cents integer);
