CREATE TABLE public.pets (kind varchar(20) CHECK (kind IN ('cat', 'dog')));
