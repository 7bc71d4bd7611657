ALTER TABLE public.tickets ADD UNIQUE (seat);
