CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL
);

CREATE FUNCTION public.guard_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) = ('paid', 'open') THEN
        RAISE EXCEPTION 'no way back' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER guard AFTER UPDATE ON public.orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.guard_orders();
