CREATE ROLE auditor NOLOGIN;
CREATE TABLE public.ledger (entry integer, amount numeric(12, 2));
GRANT SELECT ON public.ledger TO auditor;
