CREATE TABLE public.deals (client integer, won_at timestamptz);
CREATE INDEX deals_newest ON public.deals (client, won_at);
