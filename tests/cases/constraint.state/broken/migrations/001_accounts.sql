CREATE TABLE public.accounts (balance integer);
ALTER TABLE public.accounts ADD CONSTRAINT in_credit CHECK (balance >= 0) NOT VALID;
