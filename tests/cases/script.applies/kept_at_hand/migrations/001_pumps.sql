CREATE TABLE public.pumps (
    id uuid DEFAULT uuid_generate_v4(),
    secret bytea DEFAULT extensions.gen_random_bytes(8)
);
