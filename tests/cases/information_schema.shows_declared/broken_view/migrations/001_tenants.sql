CREATE VIEW public.tenants AS SELECT 'Ann'::text AS name;
