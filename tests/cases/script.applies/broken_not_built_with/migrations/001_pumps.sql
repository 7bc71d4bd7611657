CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TABLE public.pumps (id integer, litres integer);
