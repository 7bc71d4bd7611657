CREATE TABLE public.places (city text, zip text);
CREATE STATISTICS public.places_zip (mcv) ON city, zip FROM public.places;
