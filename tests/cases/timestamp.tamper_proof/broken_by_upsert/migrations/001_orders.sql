CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    title text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at = coalesce(NEW.changed_at, now());
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.stamp();
