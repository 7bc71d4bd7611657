CREATE TABLE IF NOT EXISTS public.beds (plant text);
CREATE TABLE IF NOT EXISTS public.beds (plant text, watered_at timestamptz);
