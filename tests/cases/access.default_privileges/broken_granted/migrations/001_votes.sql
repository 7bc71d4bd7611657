CREATE TABLE public.votes (motion text, aye boolean);
REVOKE ALL ON public.votes FROM anon, authenticated;
GRANT SELECT ON public.votes TO PUBLIC;
