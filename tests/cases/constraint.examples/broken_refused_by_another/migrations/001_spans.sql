CREATE TABLE public.spans (
    first date NOT NULL CHECK (first > '2020-01-01'),
    last date,
    CONSTRAINT in_order CHECK (last >= first)
);
