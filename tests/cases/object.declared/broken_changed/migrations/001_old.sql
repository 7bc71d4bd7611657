CREATE TABLE public.old_orders (id integer, note varchar(10));
