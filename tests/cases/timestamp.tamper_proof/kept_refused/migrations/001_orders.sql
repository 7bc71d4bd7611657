CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    title text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.changed_at <> now() OR TG_OP = 'UPDATE' AND NEW.changed_at <> OLD.changed_at THEN
        RAISE EXCEPTION 'changed_at is not yours to write' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.changed_at = clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.stamp();
