CREATE TABLE IF NOT EXISTS public.beds (
    plant text,
    watered_at timestamptz
);
