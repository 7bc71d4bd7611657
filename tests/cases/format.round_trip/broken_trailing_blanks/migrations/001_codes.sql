CREATE TABLE public.codes (code varchar(3));
