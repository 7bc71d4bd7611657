CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('open', 'paid', 'sent')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz
);

CREATE FUNCTION public.tie() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.paid_at = CASE WHEN NEW.status IN ('paid', 'sent') THEN greatest(NEW.paid_at, NEW.opened_at) END;
    RETURN NEW;
END $$;
CREATE TRIGGER tie BEFORE INSERT OR UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.tie();
