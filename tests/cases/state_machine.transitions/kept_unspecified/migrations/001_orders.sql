CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL
);

CREATE FUNCTION public.guard_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.status <> 'open' THEN
        RAISE EXCEPTION 'an order starts open' USING ERRCODE = 'check_violation';
    ELSIF TG_OP = 'UPDATE' AND NEW.status <> OLD.status
      AND (OLD.status, NEW.status) NOT IN (('open', 'paid'), ('open', 'lost'), ('paid', 'sent')) THEN
        RAISE EXCEPTION 'an order does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.guard_orders();
