CREATE TABLE public.dust (grams real);
