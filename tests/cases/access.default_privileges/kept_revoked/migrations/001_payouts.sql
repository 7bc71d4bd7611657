CREATE TABLE public.payouts (iban text, cents bigint);
REVOKE ALL ON public.payouts FROM anon, authenticated;
