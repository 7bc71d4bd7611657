CREATE TABLE public.new_orders (id integer);
ALTER TABLE public.old_orders ALTER COLUMN note TYPE text;
