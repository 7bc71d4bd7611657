CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    title text NOT NULL,
    changed_at date NOT NULL DEFAULT '2020-01-01'
);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEW;
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.stamp();
