CREATE TABLE public.seats (hall integer, seat integer, guest text, PRIMARY KEY (hall, seat));
CREATE INDEX seats_hall ON public.seats (hall);
