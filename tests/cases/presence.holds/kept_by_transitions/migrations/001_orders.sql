CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('open', 'paid', 'sent')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz,
    CHECK ((paid_at IS NOT NULL) = (status IN ('paid', 'sent'))),
    CHECK (paid_at >= opened_at)
);

CREATE FUNCTION public.guard_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'open' THEN
        RAISE EXCEPTION 'an order starts open' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.guard_orders();
