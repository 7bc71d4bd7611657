CREATE TABLE public.owners (id integer PRIMARY KEY);
CREATE TABLE public.pets (owner integer CONSTRAINT pets_owner_fkey REFERENCES public.owners);
