CREATE TABLE public.seats (row_no integer, guest text);
CREATE UNIQUE INDEX seat_guest ON public.seats (guest);
