CREATE TABLE public.strings (metres integer);
CREATE INDEX strings_metres ON public.strings (metres);
