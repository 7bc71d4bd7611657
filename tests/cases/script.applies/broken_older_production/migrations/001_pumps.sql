CREATE TABLE public.pumps (id uuid DEFAULT uuidv7(), litres integer);
