CREATE VIEW public.today AS SELECT current_date AS day;
COMMENT ON VIEW public.today IS ' ';
