CREATE TABLE public.users (email text, CONSTRAINT email_format CHECK (email ~ '^[a-z]+@[a-z.]+$'));
