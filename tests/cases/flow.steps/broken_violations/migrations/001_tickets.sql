CREATE TABLE public.tickets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seat integer NOT NULL,
    paid boolean NOT NULL DEFAULT false
);
