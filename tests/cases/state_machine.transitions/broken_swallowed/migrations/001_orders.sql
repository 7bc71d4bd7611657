CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL
);

CREATE FUNCTION public.keep_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.status = OLD.status;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_status BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.keep_status();
