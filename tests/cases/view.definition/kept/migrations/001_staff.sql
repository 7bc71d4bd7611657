CREATE TABLE public.staff (name text, salary integer);

CREATE VIEW public.rich WITH (security_invoker = true) AS SELECT s.name FROM public.staff s WHERE s.salary > 9000;
CREATE MATERIALIZED VIEW public.total AS SELECT sum(salary) AS total FROM public.staff WITH NO DATA;
