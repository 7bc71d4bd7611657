CREATE TABLE public.seats (number integer NOT NULL);
ALTER ROLE postgres SET synchronous_commit = off;
