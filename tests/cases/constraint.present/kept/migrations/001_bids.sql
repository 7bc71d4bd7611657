CREATE TABLE public.bids (amount integer, CONSTRAINT amount_positive CHECK (amount > 0));
