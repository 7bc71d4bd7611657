CREATE TABLE public.orders (id integer, note text);
CREATE PUBLICATION orders_out FOR TABLE public.orders;
