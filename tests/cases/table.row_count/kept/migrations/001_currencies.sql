CREATE TABLE public.currencies (code char(3));
CREATE TABLE public.prices (cents integer);
INSERT INTO public.currencies VALUES ('EUR'), ('CHF');
