CREATE TABLE public.currencies (code char(3) PRIMARY KEY);
INSERT INTO public.currencies VALUES ('EUR'), ('EUR') ON CONFLICT DO NOTHING;
