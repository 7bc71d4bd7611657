CREATE TABLE public.patients (
    id uuid DEFAULT gen_random_uuid(),
    born date NOT NULL CHECK (born > '1900-01-01')
);
