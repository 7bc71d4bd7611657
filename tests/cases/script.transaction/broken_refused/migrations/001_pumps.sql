DO $$
BEGIN
    CREATE TABLE public.pumps (id integer, litres integer);
    COMMIT;
END
$$;
