CREATE ROLE auditor NOLOGIN;
CREATE TABLE public.ledger (entry integer, amount numeric(12, 2));
GRANT SELECT, DELETE ON public.ledger TO auditor;
