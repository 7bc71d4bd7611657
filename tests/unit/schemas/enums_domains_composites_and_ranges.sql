CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN public.email AS varchar(255) COLLATE "C" DEFAULT 'x@y.z' NOT NULL
    CONSTRAINT email_at CHECK (VALUE ~ '@') CONSTRAINT email_short CHECK (length(VALUE) < 200);
CREATE TYPE public.pair AS (a integer, "B b" text COLLATE "C");
CREATE TYPE public.span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE public.people (how public.mood DEFAULT 'sad', who public.email, pairs public.pair[], far public.span);
REVOKE USAGE ON TYPE public.mood FROM public;
