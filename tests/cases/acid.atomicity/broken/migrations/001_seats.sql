CREATE TABLE public.seats (number integer NOT NULL);
CREATE FUNCTION public.leave_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER leave_out BEFORE INSERT ON public.seats FOR EACH ROW EXECUTE FUNCTION public.leave_out();
