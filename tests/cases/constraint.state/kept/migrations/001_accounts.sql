CREATE TABLE public.accounts (
    balance integer,
    slot integer,
    CONSTRAINT in_credit CHECK (balance >= 0) NO INHERIT,
    CONSTRAINT slot_once UNIQUE (slot) DEFERRABLE INITIALLY DEFERRED
);
