CREATE TABLE public.pumps (id integer, litres integer);

INSERT INTO public.pumps VALUES (1, -5);

ALTER TABLE public.pumps ADD CHECK (litres > 0);
