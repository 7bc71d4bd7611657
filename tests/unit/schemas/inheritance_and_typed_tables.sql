CREATE TABLE public.parent (id integer NOT NULL, CONSTRAINT positive CHECK (id > 0), CHECK (id < 9) NO INHERIT);
CREATE TABLE public.child (more text) INHERITS (public.parent);
CREATE TYPE public.shape AS (a integer, b text);
CREATE TABLE public.typed OF public.shape (PRIMARY KEY (a));
ALTER TABLE public.typed REPLICA IDENTITY FULL;
CREATE TABLE public.clustered (id integer PRIMARY KEY, u integer UNIQUE WITH (fillfactor = 50));
ALTER TABLE public.clustered CLUSTER ON clustered_pkey;
CREATE TABLE public.a_name_that_is_so_long_that_postgresql_must_cut_something_off (
    a_column_with_a_long_name_too bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
