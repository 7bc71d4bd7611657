CREATE TABLE public.addresses (zip text, CONSTRAINT zip_format CHECK (zip ~ '^[0-9]{5}$'));
