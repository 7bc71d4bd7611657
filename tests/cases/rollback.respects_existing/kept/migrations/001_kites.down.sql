DO $$
BEGIN
    IF (SELECT array_agg(attname::text || ' ' || atttypid::regtype ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = to_regclass('public.kites') AND attnum > 0)
        <> ARRAY['tail text', 'metres integer'] THEN
        RAISE EXCEPTION 'public.kites is another table';
    END IF;
END
$$;
DROP TABLE IF EXISTS public.kites;
