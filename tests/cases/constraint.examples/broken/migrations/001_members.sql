CREATE TABLE public.members (
    handle text NOT NULL,
    CONSTRAINT handle_not_blank CHECK (length(trim(handle)) > 0)
);
