CREATE ROLE robot NOLOGIN;
CREATE TABLE public.jobs (task text);
