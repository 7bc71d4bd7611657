CREATE TABLE public.pumps (
    id integer,
    litres integre
);
