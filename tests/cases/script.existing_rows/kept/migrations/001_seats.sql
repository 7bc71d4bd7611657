CREATE TABLE IF NOT EXISTS public.seats (number integer, taken_by text);
