CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL
);

CREATE FUNCTION public.final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'paid' THEN
        RAISE EXCEPTION 'paid is final' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER final BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.final();
