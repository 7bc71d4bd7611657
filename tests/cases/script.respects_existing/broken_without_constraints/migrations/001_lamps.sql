CREATE TABLE IF NOT EXISTS public.lamps (id integer PRIMARY KEY, lumen integer);
DO $$
BEGIN
    IF (SELECT array_agg(attname::text || ' ' || atttypid::regtype ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = 'public.lamps'::regclass AND attnum > 0)
        <> ARRAY['id integer', 'lumen integer'] THEN
        RAISE EXCEPTION 'public.lamps is another table';
    END IF;
END
$$;
