CREATE ROLE till NOLOGIN;
CREATE TABLE public.sales (at timestamptz, total numeric);
GRANT SELECT ON public.sales TO till;
