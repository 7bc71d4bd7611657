CREATE TABLE IF NOT EXISTS public.runs (n integer);
DO $$
BEGIN
    EXECUTE format('COMMENT ON TABLE public.runs IS %L',
        coalesce(obj_description('public.runs'::regclass), '') || 'I');
END
$$;
