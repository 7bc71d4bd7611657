CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    title text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    NEW.changed_at = greatest(pg_catalog.clock_timestamp(), OLD.changed_at + interval '1 microsecond');
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.stamp();
