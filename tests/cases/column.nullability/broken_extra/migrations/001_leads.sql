CREATE TABLE public.leads (phone text NOT NULL);
