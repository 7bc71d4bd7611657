DO $$
BEGIN
    CREATE TABLE public.pumps (id integer, litres integer);
    IF statement_timestamp() > transaction_timestamp() THEN
        CREATE INDEX pumps_litres ON public.pumps (litres);
    END IF;
END
$$;
