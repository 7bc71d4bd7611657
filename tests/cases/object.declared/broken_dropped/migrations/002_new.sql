CREATE TABLE public.new_orders (id integer);
DROP INDEX public.old_orders_id;
