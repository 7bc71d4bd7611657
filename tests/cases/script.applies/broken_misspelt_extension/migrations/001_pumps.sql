CREATE EXTENSION IF NOT EXISTS pgcrypt;
CREATE TABLE public.pumps (id integer, litres integer);
