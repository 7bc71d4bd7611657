CREATE TABLE public.spans (first date NOT NULL, last date, CONSTRAINT in_order CHECK (last >= first));
