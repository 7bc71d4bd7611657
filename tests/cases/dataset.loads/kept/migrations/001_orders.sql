CREATE TABLE public.customers (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text   NOT NULL UNIQUE CHECK (length(name) > 2)
);

CREATE TABLE public.orders (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer bigint      NOT NULL REFERENCES public.customers,
    status   text        NOT NULL CHECK (status IN ('open', 'paid')),
    paid_at  timestamptz CHECK (paid_at > '2020-01-01'),
    CHECK ((paid_at IS NULL) = (status = 'open'))
);

CREATE FUNCTION public.refuse_paid() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'an order is open first'; END $$;

CREATE TRIGGER refuse_paid BEFORE INSERT ON public.orders
    FOR EACH ROW WHEN (NEW.status = 'paid') EXECUTE FUNCTION public.refuse_paid();
ALTER TABLE public.orders ENABLE ALWAYS TRIGGER refuse_paid;
