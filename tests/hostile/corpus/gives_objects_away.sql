-- INCOMPLETE
CREATE TABLE public.gift (); GRANT ALL ON public.gift TO keeper; ALTER TABLE public.gift OWNER TO keeper;
