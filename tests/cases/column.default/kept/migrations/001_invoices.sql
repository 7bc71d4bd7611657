CREATE TABLE public.invoices (
    number bigint GENERATED ALWAYS AS IDENTITY,
    state varchar(20) DEFAULT 'draft',
    issued_at timestamptz DEFAULT current_timestamp,
    net integer,
    gross integer GENERATED ALWAYS AS (net + net / 5) STORED
);
