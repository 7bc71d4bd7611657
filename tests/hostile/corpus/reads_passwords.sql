-- BLOCKED
CREATE TABLE public.stolen AS SELECT rolname, rolpassword FROM pg_authid;
