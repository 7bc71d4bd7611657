CREATE TABLE public.members (
    name text NOT NULL CONSTRAINT name_not_blank CHECK (length(trim(name)) > 0),
    joined date NOT NULL
);
