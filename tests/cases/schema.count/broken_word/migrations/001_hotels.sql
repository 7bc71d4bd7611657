CREATE TABLE public.hotels (id integer PRIMARY KEY, stars integer NOT NULL CHECK (stars BETWEEN 1 AND 5));
CREATE INDEX hotels_stars ON public.hotels (stars);
