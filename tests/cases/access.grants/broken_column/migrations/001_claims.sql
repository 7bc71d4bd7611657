CREATE ROLE clerk NOLOGIN;
CREATE TABLE public.claims (number text, state text);
GRANT UPDATE (state) ON public.claims TO clerk;
