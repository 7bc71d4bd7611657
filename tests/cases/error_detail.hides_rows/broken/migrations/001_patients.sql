CREATE TABLE public.patients (
    name text NOT NULL,
    born date NOT NULL CHECK (born > '1900-01-01')
);
