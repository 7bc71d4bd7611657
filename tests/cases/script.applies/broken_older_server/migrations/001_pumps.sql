CREATE TABLE public.pumps (
    id integer,
    litres integer,
    gallons numeric GENERATED ALWAYS AS (litres * 0.22) VIRTUAL
);
