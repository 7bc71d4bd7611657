CREATE TABLE public.fees (amount numeric(9,2), CONSTRAINT amount_positive CHECK (amount::integer > 0));
