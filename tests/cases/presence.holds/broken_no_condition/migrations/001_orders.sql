CREATE TABLE public.orders (
    id integer PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('open', 'paid', 'sent')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz,
    CHECK ((paid_at IS NOT NULL) = (status IN ('paid', 'sent'))),
    CHECK (paid_at >= opened_at)
);
