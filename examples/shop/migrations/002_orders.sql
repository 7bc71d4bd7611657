CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'sent')),
    placed_at timestamptz NOT NULL DEFAULT now(),
    total_cents integer NOT NULL DEFAULT 0
);
CREATE INDEX orders_customer_id ON orders (customer_id);
