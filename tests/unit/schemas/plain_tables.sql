CREATE TABLE public.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) NOT NULL CONSTRAINT email_format CHECK (email ~ '^[^@"\\]+@[^@]+\.[a-z]{2,}$'),
    name text COLLATE "C" DEFAULT 'it''s "new"',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (email)
);
CREATE TABLE public.orders (
    id bigserial PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES public.users ON DELETE CASCADE ON UPDATE RESTRICT,
    total numeric(10, 2) CHECK (total >= 0)
);
ALTER TABLE public.orders ADD CONSTRAINT total_small CHECK (total < 1000) NOT VALID;
CREATE INDEX orders_user ON public.orders (user_id, total DESC NULLS LAST) INCLUDE (id) WHERE total > 0;
COMMENT ON TABLE public.users IS E'Everybody,\nwith two lines and \'quotes\'';
COMMENT ON COLUMN public.users.email IS 'Where to write to';
INSERT INTO public.orders (user_id, total) SELECT id, 1 FROM public.users;
INSERT INTO public.users (email) VALUES ('ann@example.com');
