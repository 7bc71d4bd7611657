CREATE TABLE public.members (
    handle text NOT NULL,
    joined date NOT NULL,
    CONSTRAINT handle_format CHECK (handle ~ '^[a-z]{3,}$')
);
