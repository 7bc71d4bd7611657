CREATE TABLE public.old_orders (id integer);
CREATE INDEX old_orders_id ON public.old_orders (id);
