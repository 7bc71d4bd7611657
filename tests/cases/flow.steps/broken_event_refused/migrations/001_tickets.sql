CREATE TABLE public.tickets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seat integer NOT NULL,
    paid boolean NOT NULL DEFAULT false
);

CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'paid already'; END $$;
CREATE TRIGGER pay_once BEFORE UPDATE ON public.tickets FOR EACH ROW WHEN (OLD.paid) EXECUTE FUNCTION public.refuse();
