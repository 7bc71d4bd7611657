INSERT INTO public.categories (name) VALUES ('work'), ('home');
