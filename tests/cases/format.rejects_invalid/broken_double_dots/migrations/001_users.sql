CREATE TABLE public.users (
    mail text CHECK (mail ~ '^[a-z.]+@[a-z.]+\.[a-z]{2,}$')
);
