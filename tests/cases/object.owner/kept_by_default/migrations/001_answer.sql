CREATE VIEW public.answer AS SELECT 42 AS it;
