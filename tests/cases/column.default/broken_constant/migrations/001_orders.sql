CREATE TABLE public.orders (state text DEFAULT 'open');
