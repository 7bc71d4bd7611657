CREATE TABLE public.customers (name text);
INSERT INTO public.customers VALUES ('Test Tester');
