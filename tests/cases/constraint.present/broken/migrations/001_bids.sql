CREATE TABLE public.bids (amount integer CHECK (amount > 0));
